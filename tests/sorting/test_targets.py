import os

from scan_core.sorting.manifest import Made
from scan_core.sorting.targets import choose_targets


def made(source: str, target: str) -> Made:
    return Made(source, target, "copy", "", 0, 0)


def test_pictures_keep_their_names(tmp_path):
    pictures = {"a/1.jpg": "cat", "a/2.jpg": "dog", "caf\udce9.jpg": "dog"}
    assert choose_targets(pictures, [], tmp_path) == {
        "a/1.jpg": "cat/1.jpg",
        "a/2.jpg": "dog/2.jpg",
        "caf\udce9.jpg": "dog/caf\udce9.jpg",
    }


def test_two_of_the_same_name_have_two_names_that_stay(tmp_path):
    first = choose_targets(dict.fromkeys(["b/1.jpg", "c/1.JPG"], "cat"), [], tmp_path)
    assert first["b/1.jpg"] == "cat/1.jpg"
    assert first["c/1.JPG"].startswith("cat/1-")
    assert first["c/1.JPG"].endswith(".JPG")
    before = [made(*pair) for pair in first.items()]
    later = choose_targets(dict.fromkeys(["a/1.jpg", "b/1.jpg", "c/1.JPG", "d/1.jpg"], "cat"), before, tmp_path)
    assert first.items() < later.items()
    assert len({target.casefold() for target in later.values()}) == 4
    others = choose_targets(dict.fromkeys(["a/1.jpg", "c/1.JPG"], "cat"), [], tmp_path)
    assert others["c/1.JPG"] == first["c/1.JPG"]  # in another folder, and beside other pictures


def test_a_name_that_something_else_has_is_left_to_it(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/1.jpg").write_text("mine")
    target = choose_targets({"1.jpg": "cat"}, [], tmp_path)["1.jpg"]
    assert target.startswith("cat/1-")
    (tmp_path / target).write_text("mine, too")
    other = choose_targets({"1.jpg": "cat"}, [], tmp_path)["1.jpg"]
    assert other not in ("cat/1.jpg", target)


def test_what_is_no_longer_wanted_keeps_its_name_from_others(tmp_path):
    targets = choose_targets({"b/1.jpg": "cat"}, [made("a/1.jpg", "cat/1.jpg")], tmp_path)
    assert targets["b/1.jpg"] != "cat/1.jpg"


def test_a_long_name_has_room_for_its_end(tmp_path):
    name = "衬" * 83 + ".jpeg"  # 254 bytes
    targets = choose_targets(dict.fromkeys([f"a/{name}", f"b/{name}"], "cat"), [], tmp_path)
    second = os.fsencode(targets[f"b/{name}"].removeprefix("cat/"))
    assert len(second) <= 255
    assert second.decode().endswith(".jpeg")


def test_a_file_where_a_folder_should_be_is_left_to_what_makes_folders(tmp_path):
    (tmp_path / "cat").write_text("mine")
    assert choose_targets({"1.jpg": "cat"}, [], tmp_path) == {"1.jpg": "cat/1.jpg"}
