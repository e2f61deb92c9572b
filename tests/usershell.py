"""A user's shell, set up with all that must not reach a build: variables, time zone, locale, git settings."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

UMASK = 0o077


def soiled(tmp_path: Path) -> dict[str, str]:
    """Return variables as they stand in somebody's shell; not one of them may be noticed."""
    (tmp_path / "attributes").write_text("* text eol=crlf\n", encoding="utf-8")
    (tmp_path / "template/info").mkdir(parents=True)
    shutil.copy(tmp_path / "attributes", tmp_path / "template/info/attributes")
    (tmp_path / "gitconfig").write_text(
        f"""[include]
	path = {Path.home()}/.gitconfig
[user]
	leak = yes
[apply]
	whitespace = fix
[core]
	autocrlf = true
	attributesFile = {tmp_path}/attributes
[init]
	templateDir = {tmp_path}/template
	defaultObjectFormat = sha256
[i18n]
	commitEncoding = gb18030
[diff]
	noprefix = true
	external = false
""",
        encoding="utf-8",
    )
    names = (
        *("CFLAGS", "CPPFLAGS", "CXXFLAGS", "LDFLAGS", "LIBS", "CC", "CXX", "AR", "CPATH", "LIBRARY_PATH"),
        *("ARCH", "CROSS_COMPILE", "KBUILD_OUTPUT", "PLATFORM", "DEBUG", "V", "GCC_EXEC_PREFIX", "MAKEFILES"),
    )
    return {
        **_turkish(tmp_path),
        **dict.fromkeys(names, "/leaked"),
        "MAKEFLAGS": "n",
        "MAKELEVEL": "7",
        "SOURCE_DATE_EPOCH": "1",
        "TZ": "Asia/Shanghai",
        "TAR_OPTIONS": "--mode=0",
        "POSIXLY_CORRECT": "1",
        "CDPATH": "/",
        "PYTHONHASHSEED": "7",
        "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
        "GIT_DIR": "/leaked",
        "GIT_WORK_TREE": "/leaked",
        "GIT_INDEX_FILE": "/leaked",
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_DIFF_OPTS": "--unified=0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
        "GIT_AUTHOR_NAME": "Leaked",
    }


def _turkish(tmp_path: Path) -> dict[str, str]:
    """Turkish as the locale; where it cannot be made, its absence is one more thing that is amiss."""
    place = tmp_path / "locales"
    place.mkdir()
    if shutil.which("localedef"):
        made = place / "tr_TR"
        subprocess.run(
            ["localedef", "-i", "tr_TR", "-f", "ISO-8859-9", made], capture_output=True, check=False
        )
    return {"LOCPATH": str(place), "LC_ALL": "tr_TR", "LANG": "zh_CN.UTF-8", "LANGUAGE": "zh_CN:tr"}
