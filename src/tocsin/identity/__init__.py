"""Ways to prove who one is: passwords, passkeys, one-time codes, another organisation's word (OpenID Connect)."""
