from pathlib import Path

import pytest

from scan_core.errors import DataError
from scan_core.naming.names import Names, read_names, uniform
from tests.samples import write_names

MODEL = "sha256:" + "0a" * 32


def test_names_are_read_as_they_were_written(tmp_path: Path):
    members = (("a b.jpg", 'say "x".png'), (), ("größe/猫.jpg", "back\\slash.png"))
    names = Names(MODEL, ("NO", "", "1e3"), members)
    write_names(tmp_path / "clusters.yaml", names)
    assert read_names(tmp_path / "clusters.yaml") == names


def test_names_typed_by_hand_are_text(tmp_path: Path):
    path = tmp_path / "clusters.yaml"
    path.write_text(
        f"model: {MODEL}\nclusters:\n- {{cluster: 0, name: 7}}\n- {{cluster: 1, name: no}}\n"
        "- {cluster: 2, name: null}\n- cluster: 3\n  name:   cats and dogs \n- cluster: 4\n"
    )
    assert read_names(path).names == ("7", "no", "null", "cats and dogs", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1", "not a readable YAML file"),
        ("[" * 5000, "not a readable YAML file"),
        ("model: x\nclusters: []\n", "model is 'x', expected sha256:"),
        ("clusters: []\n", "expected the entries model and clusters"),
        (f"model: {MODEL}\nclusters:\n- cluster: 1\n", "'1' where cluster 0 was expected"),
        (f"model: {MODEL}\nclusters:\n- cluster: 0\n  name: [a]\n", "cluster 0: expected a name"),
        (f'model: {MODEL}\nclusters:\n- cluster: 0\n  name: "a\\ab"\n', "cluster 0: the name has the character"),
        (f"model: {MODEL}\nclusters:\n- {{cluster: 0, name: cluster 1}}\n- cluster: 1\n", "is another cluster without"),
        (f'model: {MODEL}\nclusters:\n- cluster: 0\n  name: "\\u200b"\n', "can be seen"),
    ],
)
def test_what_is_no_table_of_names_is_refused(tmp_path: Path, text: str, message: str):
    path = tmp_path / "clusters.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=r"clusters\.yaml") as error:
        read_names(path)
    assert message in str(error.value)


ODD = [
    "👩‍🔬",
    "🏴\U000e0067\U000e0062\U000e007f",
    "'\"</script>",
    "x" * 200,
    "a/b",
    "..",
    "#",
    "- a",
    "猫",
    "\u202eabc",
    "cluster 99",
]


def test_odd_names_and_paths_come_back(tmp_path: Path):
    paths = tuple(
        f"{name}{odd}.png" for name, odd in zip(ODD, "\x7f\x85\u2028\ufeff\uffff\xa0\udc80\t\\\"'", strict=True)
    )
    names = Names(MODEL, tuple(ODD), (paths,) * len(ODD))
    write_names(tmp_path / "clusters.yaml", names._replace(names=tuple(f" {name}\u3000 " for name in ODD)))
    assert read_names(tmp_path / "clusters.yaml") == names


def test_names_that_look_alike_are_alike():
    assert uniform(" cats  and\u00a0dogs\n") == "cats and dogs"
    assert uniform("gro\u0308ße") == "größe"
    assert (uniform("Junk"), uniform("Cat")) == ("junk", "Cat")


def test_a_number_may_be_the_name_that_several_share(tmp_path: Path):
    names = Names(MODEL, ("cluster 1", "cluster 1", "cluster 7"), ((),) * 3)
    write_names(tmp_path / "clusters.yaml", names)
    assert read_names(tmp_path / "clusters.yaml") == names


def test_missing_names(tmp_path: Path):
    with pytest.raises(DataError, match="No such file"):
        read_names(tmp_path / "clusters.yaml")


def test_a_name_of_very_many_digits_is_no_cluster_s_number(tmp_path: Path):
    name = f"cluster {'9' * 5000}"
    write_names(tmp_path / "clusters.yaml", Names(MODEL, (name,), ((),)))
    assert read_names(tmp_path / "clusters.yaml").names == (name,)
