from tests.cli.conftest import Run, Stub


def test_made_listed_and_revoked(run: Run, daemon: Stub) -> None:
    daemon.answers["POST", "/v1/tokens"] = (
        201,
        {"name": "svc", "token": "rk_svc_x", "scopes": ["ingest"], "tenant": "acme"},
    )
    daemon.answers["GET", "/v1/tokens"] = (
        200,
        {"tokens": [{"name": "svc", "scopes": ["ingest"], "tenant": "acme"}]},
    )
    daemon.answers["DELETE", "/v1/tokens/svc"] = (200, None)
    made = run(
        "token", "create", "svc", "--scope", "ingest", "--tenant", "acme", "--server", daemon.url
    )
    assert made.out == "rk_svc_x\n"
    assert daemon.asked[0][2] == {"name": "svc", "scopes": ["ingest"], "tenant": "acme"}
    assert "tenant=acme" in run("token", "list", "--server", daemon.url).out
    assert run("token", "list", "--server", daemon.url, "--format", "json").json[0]["name"] == "svc"
    assert run("token", "revoke", "svc", "--server", daemon.url).out == "svc is revoked\n"
    assert (
        run(
            "token",
            "create",
            "svc",
            "--scope",
            "ingest",
            "--server",
            daemon.url,
            "--format",
            "json",
        ).json["token"]
        == "rk_svc_x"
    )
