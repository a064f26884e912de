"""The picks that `quakeline pick` writes as CSV make a catalog."""

import quakeline


def test_own_csv_makes_a_catalog(shared):
    case = shared / "cases/own_csv"
    made = quakeline.catalog(
        case / "uh.csv", case / "stations.csv", velocity=case / "velocity.csv", threads=1
    )
    assert len(made.events) == 2
    assert made.picks["weights_id"].ne("none").all()
