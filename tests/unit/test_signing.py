"""Keys that modules are signed with, what config.yaml and program.yaml say of it, and `invoke sign`."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from teeforge.base.errors import TeeforgeError
from teeforge.compiling.sources import gather
from teeforge.settings.config import load_config
from teeforge.settings.modules import DEVELOPMENT, DEVELOPMENT_KEY, Modules
from teeforge.settings.recipe import load_recipes
from teeforge.settings.terms import UNSAID, Terms, safe_name
from teeforge.signature import terms_of
from teeforge.signing.manifest import split
from teeforge.signing.modulekeys import own_private_key, own_public_key
from teeforge.signing.signer import Signer

ROOT = Path(__file__).resolve().parents[2]
OWN = Modules("own")
AOT = b"\0aot" + bytes(60)


def test_an_own_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    public = own_public_key(folder)
    assert own_public_key(folder) == public
    assert own_private_key(folder).public_key().public_bytes_raw().hex() == public
    assert stat.S_IMODE((folder / "modules_ed25519").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert own_public_key(tmp_path / "other") != public


def test_what_an_own_key_signs_only_its_environment_takes(tmp_path: Path) -> None:
    mine, yours = Signer(OWN, tmp_path / "mine"), Signer(OWN, tmp_path / "yours")
    data = mine.sign(AOT, "x", UNSAID)
    assert mine.check(data, "x.aot")
    for other in (yours, Signer(DEVELOPMENT, tmp_path)):
        with pytest.raises(TeeforgeError, match="which the TA does not know"):
            other.check(data, "x.aot")


def test_a_key_that_is_lost_is_told_with_the_next_step(tmp_path: Path) -> None:
    own_public_key(tmp_path)
    (tmp_path / "modules_ed25519").unlink()
    with pytest.raises(TeeforgeError, match="is lost") as caught:
        Signer(OWN, tmp_path).sign(AOT, "x", UNSAID)
    assert "put the key back, or remove" in caught.value.hint
    assert "\n" not in caught.value.message
    # As the hint says.
    (tmp_path / "modules_ed25519.pub").unlink()
    assert Signer(OWN, tmp_path).sign(AOT, "x", UNSAID)


def test_a_key_that_was_replaced_is_told(tmp_path: Path) -> None:
    before = own_public_key(tmp_path)
    form = (Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (tmp_path / "modules_ed25519").write_bytes(Ed25519PrivateKey.generate().private_bytes(*form))
    with pytest.raises(TeeforgeError, match=f"was replaced: the TA is built with the key {before[:16]}"):
        Signer(OWN, tmp_path).sign(AOT, "x", UNSAID)


@pytest.mark.parametrize("name", ["modules_ed25519", "modules_ed25519.pub"])
def test_a_key_file_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    own_public_key(tmp_path)
    (tmp_path / name).write_text("nonsense\n")
    with pytest.raises(TeeforgeError, match="is not a") as caught:
        Signer(OWN, tmp_path).sign(AOT, "x", UNSAID)
    assert str(tmp_path / name) in caught.value.message


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("own", Modules("own")),
        ("any", Modules("any")),
        (f"{{key: own, trust: [{DEVELOPMENT_KEY}]}}", Modules("own", (DEVELOPMENT_KEY,))),
    ],
)
def test_config_says_whose_modules_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, wanted: Modules
) -> None:
    monkeypatch.setenv("TEEFORGE_CONFIG", str(_config(tmp_path, text)))
    assert load_config(tmp_path).modules == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mine", "development, own or any|development.*own.*any"),
        ("{trust: [abcd]}", "no public key of Ed25519"),
        (f"{{trust: ['{'0' * 64}']}}", "anybody could sign: it is a point of small order"),
        (f"{{trust: ['01{'0' * 60}80']}}", "anybody could sign"),
        (
            "{trust: ['26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05']}",
            "anybody could sign",
        ),
    ],
)
def test_config_refuses_keys_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("TEEFORGE_CONFIG", str(_config(tmp_path, text)))
    with pytest.raises(TeeforgeError, match=words):
        load_config(tmp_path / "other")


def _config(folder: Path, modules: str) -> Path:
    text = (ROOT / "config.yaml").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("modules:")]
    path = folder / "config.yaml"
    path.write_text("\n".join([*lines, f"modules: {modules}", ""]))
    return path


def test_the_ta_is_the_same_for_everybody_unless_config_says_otherwise() -> None:
    recipe = load_recipes(ROOT, load_config(ROOT))["wasm_ta"]
    own = "ab" * 32
    assert recipe.option_words("modules", DEVELOPMENT.placeholders(own)) == []
    assert recipe.option_words("modules", OWN.placeholders(own)) == [f"MODULE_KEYS={own}", "MODULES_ANY=n"]
    others = Modules("any", ("cd" * 32, DEVELOPMENT_KEY))
    words = [f"MODULE_KEYS={DEVELOPMENT_KEY},{'cd' * 32}", "MODULES_ANY=y"]
    assert recipe.option_words("modules", others.placeholders("")) == words


def test_the_same_input_is_signed_to_the_same_bytes() -> None:
    signer = Signer(DEVELOPMENT, Path())
    assert signer.sign(AOT, "x", UNSAID) == signer.sign(AOT, "x", UNSAID)
    assert signer.sign(AOT, "x", UNSAID) != signer.sign(AOT, "x", Terms(version=2))


@pytest.mark.parametrize(
    "name", ["", "a b", "ümlaut", "x" * 200, "ü" * 100, "new\nline", "del\x7f", "\udcff"]
)
def test_a_program_of_any_name_can_be_signed(name: str) -> None:
    signer = Signer(DEVELOPMENT, Path())
    manifest = signer.check(signer.sign(AOT, name, UNSAID), "x.aot")
    assert manifest and manifest.name == (safe_name(name) or "program")


def test_a_folders_list_says_what_its_program_may(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("")
    told = (
        "sources: [main.c]\nmanifest: {name: note, version: 3, heap: 1MiB, wasi: [files], storage: 64KiB}\n"
    )
    (tmp_path / "program.yaml").write_text(told)
    assert gather(tmp_path).terms == Terms("note", 3, "1MiB", ("files",), "write", "64KiB")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{wasi: [network]}", "`network` is unknown"),
        ("{heap: 2GiB}", "at most 1GiB"),
        ("{heap: much}", "should be a size"),
        ("{version: -1}", "version: is -1"),
        ("{folders: some}", "folders"),
        ("{owner: me}", "owner"),
    ],
)
def test_a_list_with_nonsense_in_its_manifest_is_refused_by_line(
    tmp_path: Path, line: str, words: str
) -> None:
    (tmp_path / "program.yaml").write_text(f"sources: [main.c]\nmanifest: {line}\n")
    with pytest.raises(TeeforgeError, match=words) as caught:
        gather(tmp_path)
    assert "program.yaml:2" in caught.value.message


def test_options_of_sign_are_terms() -> None:
    assert terms_of("", 1, "1GiB", None, "write", "16MiB") == UNSAID
    assert terms_of("a", 2, "4MiB", "files,clocks", "read", "0").wasi == ("files", "clocks")
    assert terms_of("a", 2, "4MiB", "", "read", "0").wasi == ()
    for bad in ({"wasi": "all"}, {"folders": "rw"}, {"heap": "x"}, {"version": -1}):
        options = {
            "name": "",
            "version": 1,
            "heap": "1MiB",
            "wasi": None,
            "folders": "read",
            "storage": "0",
            **bad,
        }
        with pytest.raises(TeeforgeError, match=f"--{next(iter(bad))}"):
            terms_of(**options)  # type: ignore[arg-type]


def test_a_cut_or_doubled_signature_is_one_line() -> None:
    data = Signer(DEVELOPMENT, Path()).sign(AOT, "x", UNSAID)
    for bad, words in ((data[:-5], "cut short"), (data + data[len(AOT) :], "two signatures")):
        with pytest.raises(TeeforgeError, match=words) as caught:
            split(bad, "x.aot")
        assert "invoke sign" in caught.value.hint
