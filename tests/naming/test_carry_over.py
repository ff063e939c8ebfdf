import pytest

from scan_core.errors import DataError
from scan_core.naming.carry_over import Move, carry_over
from scan_core.naming.names import Names


def _old(*clusters: tuple[str, int]) -> Names:
    """Names and numbers of members; those of cluster 1 are called 1-0, 1-1, and so on."""
    members = tuple(tuple(f"{cluster}-{i}" for i in range(count)) for cluster, (_, count) in enumerate(clusters))
    return Names("sha256:" + "0a" * 32, tuple(name for name, _ in clusters), members)


def _now(**counts: list[int]) -> dict[str, int]:
    """``c1=[2, 3]``: of old cluster 1, the first two are in new cluster 0, the next three in new cluster 1."""
    return {
        f"{old[1:]}-{i}": new
        for old, parts in counts.items()
        for i, new in enumerate(new for new, count in enumerate(parts) for _ in range(count))
    }


def test_names_go_where_their_pictures_are():
    found = carry_over(
        _old(("cat", 20), ("", 20), ("dog", 20)), _now(c0=[0, 1, 19], c1=[20], c2=[0, 20]), cluster_count=4
    )
    assert found.names == ("", "dog", "cat", "")
    assert found.support == pytest.approx((0, 20 / 21, 1, 0))  # a cat is among the dogs
    assert found.moves == (Move(0, 2, 0.95), Move(1, 0, 1.0), Move(2, 1, 1.0))
    assert (found.known, found.listed) == (60, 60)


def test_parts_of_a_split_cluster_share_its_name():
    assert carry_over(_old(("cat", 20)), _now(c0=[11, 9]), cluster_count=2).names == ("cat", "cat")


def test_merged_clusters_take_the_larger_s_name_and_none_at_a_tie():
    old = _old(("cat", 20), ("dog", 20), ("cat", 4))
    assert carry_over(old, _now(c0=[20], c1=[20]), cluster_count=1).names == ("",)
    assert carry_over(old, _now(c0=[20], c1=[20], c2=[4]), cluster_count=1).names == ("cat",)


def test_a_few_strays_give_no_name():
    # 1 of 20 is less than a tenth, though it is the only listed picture in its new cluster.
    assert carry_over(_old(("cat", 20)), _now(c0=[19, 1]), cluster_count=2).names == ("cat", "")


def test_pictures_without_a_name_outvote_others():
    assert carry_over(_old(("cat", 10), ("", 11)), _now(c0=[10], c1=[11]), cluster_count=1).names == ("",)


def test_shares_are_of_the_pictures_that_are_still_there():
    found = carry_over(_old(("cat", 20)), _now(c0=[2, 2]), cluster_count=2)
    assert found.moves == (Move(0, 0, 0.5), Move(0, 1, 0.5))
    assert (found.known, found.listed) == (4, 20)


def test_other_pictures_have_no_names():
    with pytest.raises(DataError, match="none of the 20 pictures"):
        carry_over(_old(("cat", 20)), {"a": 0}, cluster_count=1)
