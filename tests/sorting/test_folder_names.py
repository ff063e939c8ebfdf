import pytest

from scan_core.naming.groups import groups
from scan_core.sorting.folder_names import folder_names


def names_of(*names: str, reserved: tuple[str, ...] = ()) -> tuple[str, ...]:
    return folder_names(names, groups(names), reserved=reserved)


def test_clusters_without_a_name_sort_by_number():
    assert names_of("", "", "") == ("cluster-000", "cluster-001", "cluster-002")
    many = names_of(*[""] * 1_001)
    assert many[9] == "cluster-0009"
    assert sorted(many) == list(many)


def test_clusters_of_the_same_name_share_a_folder():
    assert names_of("cat", "", "junk", "cat") == ("cat", "cluster-001", "junk")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("T-shirts & Blüschen 衬衫", "T-shirts & Blüschen 衬衫"),
        ("a/b\\c", "a_b_c"),
        ("na\u202eme\u200f", "name"),
        ("\u202e", "_"),
        ("..", "_"),
        (".hidden", "_hidden"),
        ("...", "_"),
        ("who?*", "who__"),
        ("dots and spaces. . ", "dots and spaces"),
        ("con", "con_"),
        ("NUL.txt", "NUL_.txt"),
    ],
)
def test_a_name_that_is_none_of_a_folder_is_made_one(name, folder):
    assert names_of(name) == (folder,)


@pytest.mark.parametrize("name", ["n" * 5000, "衬" * 100], ids=["ASCII", "Chinese"])
def test_a_long_name_is_cut_between_characters(name):
    (folder,) = names_of(name)
    assert name.startswith(folder)
    assert 90 < len(folder.encode()) <= 100


def test_what_would_be_the_same_folder_is_kept_apart():
    assert names_of("a/b", "a:b", "A_B") == ("a_b", "a_b-2", "A_B-3")
    assert names_of("e\u0301", "\u00e9") == ("\u00e9", "\u00e9-2")
    assert names_of("x" * 200 + "1", "x" * 200 + "2") == ("x" * 100, "x" * 100 + "-2")


def test_what_a_folder_stands_for_does_not_depend_on_names_like_it():
    assert names_of("cluster-001", "") == ("cluster-001-2", "cluster-001")
    assert names_of("Junk", "junk") == ("Junk-2", "junk")
    assert names_of("unsure", reserved=("unsure",)) == ("unsure-2",)
