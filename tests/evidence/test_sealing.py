"""Sealed streams: what comes out is what went in, and no byte, frame or end can be changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tocsin.evidence.keys import BadKeys, KeyFile, Keys, UnknownKey, add_key, fresh_line
from tocsin.evidence.sealing import FRAME, HEAD_BYTES, SEALED_FRAME, Broken, Opener, Sealer

KEYS = Keys(fresh_line(), "test")
SIZES = st.sampled_from([0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 3 * FRAME + 7])


def seal(
    plain: bytes, keys: Keys = KEYS, tenant: str = "default", purpose: str = "content", cut: int = 50_000
) -> bytes:
    sealer = Sealer(keys, tenant, purpose)
    parts = [sealer.write(plain[n : n + cut]) for n in range(0, len(plain), cut)]
    return b"".join([*parts, sealer.finish()])


def opened(
    sealed: bytes, keys: Keys = KEYS, tenant: str = "default", purpose: str = "content", cut: int = 70_001
) -> bytes:
    opener = Opener(keys, tenant, purpose)
    parts = [opener.feed(sealed[n : n + cut]) for n in range(0, len(sealed), cut)]
    return b"".join([*parts, opener.finish()])


def content(size: int) -> bytes:
    return bytes(range(251)) * (size // 251 + 1) if size > 251 else bytes(range(size))


@given(size=SIZES, cut_in=st.integers(1, 200_000), cut_out=st.integers(1, 200_000))
def test_what_was_sealed_opens_however_it_comes(size: int, cut_in: int, cut_out: int) -> None:
    plain = content(size)[:size]
    if size > FRAME:
        cut_in, cut_out = cut_in + 5_000, cut_out + 5_000

    assert opened(seal(plain, cut=cut_in), cut=cut_out) == plain


@given(size=SIZES, where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_can_be_flipped(size: int, where: float, bit: int) -> None:
    sealed = bytearray(seal(content(size)[:size]))
    sealed[int(where * len(sealed))] ^= 1 << bit

    with pytest.raises((Broken, UnknownKey)):
        opened(bytes(sealed))


@given(size=SIZES, where=st.floats(0, 1, exclude_max=True))
def test_no_end_can_be_cut_off(size: int, where: float) -> None:
    sealed = seal(content(size)[:size])

    with pytest.raises(Broken):
        opened(sealed[: int(where * len(sealed))])


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_cut_between_frames_is_found(frames: int) -> None:
    sealed = seal(content(4 * FRAME)[: 4 * FRAME])

    with pytest.raises(Broken, match=f"frame {frames - 1} does not open"):
        opened(sealed[: HEAD_BYTES + frames * SEALED_FRAME])


@given(order=st.permutations(range(4)))
def test_frames_cannot_be_moved_doubled_or_left_out(order: list[int]) -> None:
    plain = content(4 * FRAME)[: 4 * FRAME]
    sealed = seal(plain)
    frames = [sealed[n : n + SEALED_FRAME] for n in range(HEAD_BYTES, len(sealed), SEALED_FRAME)]
    moved = sealed[:HEAD_BYTES] + b"".join(frames[n] for n in order)

    if order == [0, 1, 2, 3]:
        assert opened(moved) == plain
        return
    with pytest.raises(Broken):
        opened(moved)
    with pytest.raises(Broken):
        opened(sealed[:HEAD_BYTES] + frames[0] + frames[0] + b"".join(frames[1:]))
    with pytest.raises(Broken):
        opened(sealed[:HEAD_BYTES] + b"".join(frames[1:]))


def test_frames_of_two_streams_cannot_be_mixed() -> None:
    one, two = seal(content(2 * FRAME)), seal(content(2 * FRAME))

    with pytest.raises(Broken, match="frame 1"):
        opened(one[: HEAD_BYTES + SEALED_FRAME] + two[HEAD_BYTES + SEALED_FRAME :])


@pytest.mark.parametrize("other", [{"tenant": "beta"}, {"purpose": "original"}])
def test_a_stream_opens_only_for_its_tenant_and_as_what_it_is(other: dict[str, str]) -> None:
    with pytest.raises(Broken):
        opened(seal(b"x"), **other)  # type: ignore[arg-type]


def test_nothing_of_the_content_is_in_the_sealed_stream() -> None:
    sealed = seal(b"hunter2" * 20_000)

    assert b"hunter2" not in sealed
    assert seal(b"hunter2") != seal(b"hunter2")


def test_what_follows_the_last_frame_is_refused() -> None:
    with pytest.raises(Broken):
        opened(seal(b"x") + b"\x00")


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_rotated_key_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "evidence.keys", {}, "TOCSIN_EVIDENCE_KEYS")
    old = seal(b"before", file.keys())
    name = add_key(file.path)
    new = seal(b"after", file.keys())

    assert (opened(old, file.keys()), opened(new, file.keys())) == (b"before", b"after")
    assert new[8:16].hex() == name != old[8:16].hex()
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_gone_is_named(tmp_path: Path) -> None:
    sealed = seal(b"before")

    with pytest.raises(UnknownKey, match=f"sealed with the key {sealed[8:16].hex()}, which is not among the 1 keys"):
        opened(sealed, Keys(fresh_line(), "test"))


def test_keys_come_from_the_environment_before_the_file(tmp_path: Path) -> None:
    lines = fresh_line() + fresh_line()
    file = KeyFile(tmp_path / "none", {"TOCSIN_EVIDENCE_KEYS": lines.replace("\n", ";")}, "TOCSIN_EVIDENCE_KEYS")

    assert len(file.keys()) == 2
    assert not file.path.exists()


@pytest.mark.parametrize("text", ["", "# nothing", "abc def", "0011223344556677 c2hvcnQ=", "one", "zz yy xx"])
def test_what_is_no_key_is_refused_by_line_and_not_repeated(text: str) -> None:
    with pytest.raises(BadKeys) as refused:
        Keys(text, "evidence.keys")

    assert "evidence.keys" in str(refused.value)
    assert "c2hvcnQ=" not in str(refused.value)
