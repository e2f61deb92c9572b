"""Recipes: checked against themselves, each other and the config."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.settings.config import Config, GitSource, QemuTarget, Toolchain
from teeforge.settings.recipe import Recipe, build_order, load_recipes

CONFIG = Config(
    sources={"up": GitSource("file:///nowhere", "0" * 40)},
    targets={"qemu": QemuTarget("qemu")},
    toolchain=Toolchain("host"),
)
LIB = "summary: a library\nsource: up\nsteps: ['make -C {source} O={out}']\nproducts: {lib: lib.a}\n"
APP = "summary: an app\nsource: up\nneeds: [lib.lib]\n"
APP += "steps: ['cc -o {out}/app {lib.lib}']\nproducts: {app: app}\n"


def recipes(root: Path, **texts: str) -> dict[str, Recipe]:
    (root / "recipes").mkdir()
    for name, text in texts.items():
        (root / "recipes" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_recipes(root, CONFIG)


def refused(root: Path, **texts: str) -> str:
    with pytest.raises(TeeforgeError) as caught:
        recipes(root, **texts)
    return caught.value.message


def test_what_is_needed_is_built_first(tmp_path: Path) -> None:
    assert build_order(recipes(tmp_path, app=APP, lib=LIB), ["app"]) == ["lib", "app"]


def test_an_unknown_component_gets_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(TeeforgeError) as caught:
        build_order(recipes(tmp_path, lib=LIB), ["lbi"])
    assert caught.value.hint == "did you mean `lib`?"


def test_a_placeholder_that_nobody_fills_is_refused_when_loaded(tmp_path: Path) -> None:
    message = refused(tmp_path, lib=LIB.replace("{source}", "{sauce}"))
    assert "{sauce} is unknown; did you mean {source}?" in message


def test_a_value_with_a_space_stays_one_word(tmp_path: Path) -> None:
    argv = next(recipes(tmp_path, lib=LIB)["lib"].argv({"source": "/a b", "out": "/c"}))
    assert argv == ["make", "-C", "/a b", "O=/c"]


def test_a_need_that_is_no_product_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, lib=LIB, app=APP.replace("lib.lib", "lib.library"))
    assert "app.yaml: needs: `lib.library` is no product; did you mean `lib`?" in message


def test_a_circle_is_named(tmp_path: Path) -> None:
    loop = LIB.replace("source: up\n", "source: up\nneeds: [app.app]\n")
    assert refused(tmp_path, lib=loop, app=APP) in (
        "recipes need each other in a circle: app -> lib -> app",
        "recipes need each other in a circle: lib -> app -> lib",
    )


def test_a_product_outside_the_output_folder_is_refused(tmp_path: Path) -> None:
    assert "inside the output folder" in refused(tmp_path, lib=LIB.replace("lib.a", "../lib.a"))


def test_a_file_that_others_may_write_is_not_deployed(tmp_path: Path) -> None:
    text = LIB + "deploy: [{product: lib, path: /lib/x, mode: '0666'}]\n"
    assert "0666 lets others write" in refused(tmp_path, lib=text)


def test_the_mistakes_of_all_recipes_are_shown_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, lib=LIB + "stepz: []\n", app=APP.replace("summary: an app\n", ""))
    assert "stepz" in message
    assert "summary: is missing" in message


def test_a_source_that_config_does_not_have_is_refused(tmp_path: Path) -> None:
    assert "source: `upp` is not in config.yaml; did you mean `up`?" in refused(
        tmp_path, lib=LIB.replace("source: up", "source: upp")
    )


def test_the_summary_is_no_part_of_what_decides_the_products(tmp_path: Path) -> None:
    recipe = recipes(tmp_path, lib=LIB)["lib"]
    assert "a library" not in recipe.text()
    assert "step make -C {source} O={out}" in recipe.text()


VARIANT = "summary: the same without patches\nlike: lib\npatches: []\n"
OTHER_APP = "summary: an app of it\nlike: app\ninstead: {lib: lib_plain}\n"


def test_a_variant_is_made_as_the_one_that_it_is_like(tmp_path: Path) -> None:
    (tmp_path / "patches/lib").mkdir(parents=True)
    patched = LIB + "patches: [lib]\ndeploy: [{product: lib, path: /lib/x, mode: '0444'}]\n"
    made = recipes(tmp_path, lib=patched, lib_plain=VARIANT, app=APP, app_plain=OTHER_APP)
    lib, plain, app, other = (made[name] for name in ("lib", "lib_plain", "app", "app_plain"))
    assert (lib.patches, plain.patches, plain.steps) == (("lib",), (), lib.steps)
    assert plain.on_request and plain.unlocked and not plain.deploy and not lib.unlocked
    assert (app.needs, other.needs) == (("lib.lib",), ("lib_plain.lib",))
    assert other.steps == ("cc -o {out}/app {lib_plain.lib}",)
    assert build_order(made, ["app_plain"]) == ["lib_plain", "app_plain"]


def test_a_variant_of_nothing_and_of_a_variant_are_refused(tmp_path: Path) -> None:
    message = refused(
        tmp_path,
        lib=LIB,
        a=VARIANT.replace("like: lib", "like: lbi"),
        b=VARIANT,
        c=VARIANT.replace("like: lib", "like: b"),
    )
    assert "a.yaml: like: no component `lbi` has a recipe of its own; did you mean `lib`?" in message
    assert "c.yaml: like: no component `b` has a recipe of its own" in message
    assert "b.yaml" not in message


def test_what_a_variant_takes_instead_must_be_needed_and_give_the_same(tmp_path: Path) -> None:
    text = OTHER_APP.replace("{lib:", "{lbi:")
    message = refused(tmp_path, lib=LIB, app=APP, other=text)
    assert "other.yaml: instead: `app` does not need `lbi`; did you mean `lib`?" in message


def test_a_variant_that_takes_a_component_without_that_product_is_refused(tmp_path: Path) -> None:
    message = refused(
        tmp_path, lib=LIB, app=APP, lib_plain=LIB.replace("{lib: ", "{library: "), other=OTHER_APP
    )
    assert "other.yaml: needs: `lib_plain.lib` is no product; did you mean `library`?" in message


def test_a_variant_has_other_words_in_its_steps(tmp_path: Path) -> None:
    text = VARIANT + 'words: {"-C": "--directory", make: gmake}\n'
    made = recipes(tmp_path, lib=LIB, other=text)["other"]
    assert "gmake --directory {source} O={out}" in made.steps


def test_a_word_that_no_step_has_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, lib=LIB, other=VARIANT + "words: {mak: gmake}\n")
    assert "other.yaml: words: no step of `lib` has the word `mak`; did you mean `make`?" in message


def test_a_key_that_a_variant_does_not_have_is_told(tmp_path: Path) -> None:
    message = refused(tmp_path, lib=LIB, other=VARIANT + "steps: []\n")
    assert "steps: unknown key; known: summary, like, patches, instead, words" in message
