from rulesd.model.errors import ConfigurationError, EventError, Located


def test_a_problem_reads_as_place_code_problem_hint() -> None:
    problem = Located(
        "rules/a.yaml",
        3,
        7,
        "unknown_owner",
        'owner "x" is not in owners.yaml',
        "Write platform-safety",
    )
    assert (
        str(problem)
        == 'rules/a.yaml:3:7: unknown_owner: owner "x" is not in owners.yaml. Write platform-safety'
    )
    error = ConfigurationError([problem, problem])
    assert str(error).count("\n") == 1
    assert error.problems == (problem, problem)


def test_an_event_error_carries_code_and_pointer() -> None:
    error = EventError("missing_attribute", "id is missing", "/id")
    assert (error.code, error.message, error.pointer) == (
        "missing_attribute",
        "id is missing",
        "/id",
    )
