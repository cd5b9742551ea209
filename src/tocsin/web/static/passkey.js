// Passkeys: sign in with one, make one. Binary fields travel as base64url, as the WebAuthn JSON forms say.

const said = document.getElementById("passkey-said");
const headers = { "Content-Type": "application/json", Accept: "application/json" };

const pack = (buffer) => buffer && btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const unpack = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));

async function ask(path, body) {
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail || found.title);
  return found;
}

function credential(made) {
  const { response } = made;
  const fields = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const kept = fields.filter((name) => response[name]).map((name) => [name, pack(response[name])]);
  return { id: made.id, rawId: pack(made.rawId), type: made.type, response: Object.fromEntries(kept) };
}

async function signIn(button) {
  const options = await ask("/sign-in/passkey/options", {});
  const publicKey = { ...options, challenge: unpack(options.challenge) };
  const made = await navigator.credentials.get({ publicKey });
  const { next } = await ask("/sign-in/passkey", { credential: credential(made), next: button.dataset.next });
  location.assign(next);
}

async function add() {
  const options = await ask("/api/me/passkeys/options", {});
  const publicKey = {
    ...options,
    challenge: unpack(options.challenge),
    user: { ...options.user, id: unpack(options.user.id) },
    excludeCredentials: options.excludeCredentials.map((each) => ({ ...each, id: unpack(each.id) })),
  };
  const made = await navigator.credentials.create({ publicKey });
  const name = document.getElementById("passkey-name").value.trim() || "A passkey";
  await ask("/api/me/passkeys", { name, credential: credential(made) });
  location.reload();
}

const WORDS = {
  NotAllowedError: "Nothing was done: it was cancelled, took too long, or this device has no passkey for Tocsin.",
  InvalidStateError: "This device has a passkey of yours already.",
  SecurityError: "Browsers have passkeys only over https, under the name in Tocsin's public address; on this machine itself, open it as localhost.",
};

function does(button, work) {
  if (!button || !window.PublicKeyCredential) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    said.className = "quiet";
    said.textContent = "";
    button.setAttribute("aria-busy", "true");
    try {
      await work(button);
    } catch (error) {
      said.className = "error";
      said.textContent = WORDS[error.name] || (error instanceof TypeError ? "Tocsin cannot be reached. Nothing was changed; try again." : error.message);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

does(document.getElementById("passkey-sign-in"), signIn);
does(document.getElementById("passkey-add"), add);
