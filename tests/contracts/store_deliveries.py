"""What every store promises about deliveries: every attempt on record, an alert's pages found, what was given up kept."""

from rulesd.ports.store import Commit
from tests.contracts.store import T0, StoreContract, ack, checkpoint, done, page


class DeliveryContract(StoreContract):
    """The promises of ``rulesd/ports/store.py``, those about deliveries included."""

    def test_every_attempt_is_on_record(self, store, make):
        store.commit(Commit(outbox=[page("n1"), page("n1", receiver="safety"), page("n2")]))
        store.commit(Commit(done=[done("n1", "pending", at=T0 + 1, detail="503 later")]))
        store.commit(
            Commit(
                done=[
                    done("n1", "failed", at=T0 + 2, attempts=2, receiver="safety"),
                    done("n1", "pending", at=T0 + 3, attempts=2, detail="timeout"),
                    done("n1", "delivered", at=T0 + 4, attempts=3, reference=b'{"ts":"1"}'),
                    done("n2", "skipped"),
                    done("n2", "pending", attempts=0),  # asked for again: no attempt
                ]
            )
        )
        store, _ = self.again(store, make)
        found = store.read_attempts("n1")
        assert [(one.receiver, one.number, one.state, one.at - T0) for one in found] == [
            ("ops", 1, "pending", 1),
            ("safety", 2, "failed", 2),
            ("ops", 2, "pending", 3),
            ("ops", 3, "delivered", 4),
        ]
        assert (found[0].detail, found[3].reference) == ("503 later", b'{"ts":"1"}')
        assert store.read_attempts("n2") == store.read_attempts("n9") == []
        store.close()

    def test_an_alerts_pages_are_found(self, store, make):
        group = b'{"alerts":[{"alert":"aa01"},{"alert":"aa02"}]}'
        store.commit(
            Commit(
                outbox=[
                    page("n1", "aa01", alerts=("aa01",)),
                    page("n2", "group", body=group, alerts=("aa01", "aa02")),
                    page("n3", "other", alerts=("aa03",)),
                ],
                done=[done("n2", "failed")],
            )
        )
        store, _ = self.again(store, make)

        def names(**given):
            return [row.id for row, _ in store.read_outbox(**given)]

        assert names(alert="aa01") == ["n2", "n1"]
        assert names(alert="aa01", limit=1) == ["n2"]
        assert names(alert="aa01", state="failed") == ["n2"]
        assert names(alert="aa02") == ["n2"]
        assert names(alert="aa03") == []  # its body does not name it
        assert names(page="n1") == ["n1"]
        assert names(page="n1", state="failed") == []
        store.close()

    def test_what_was_given_up_stays_longer_and_its_attempts_with_it(self, store):
        day = 24 * 3_600_000
        store.commit(Commit(outbox=[page("n1"), page("n2")]))
        store.commit(Commit(done=[done("n1"), done("n2", "failed")]))
        store.commit(Commit(inputs=[ack(T0 + 90 * day)]))
        store.commit(Commit(checkpoint=checkpoint()))

        def after(days: int) -> list[str]:
            store.compact(journal_before=T0 + days * day, keep_events=0, budget_rows=100)
            return [row.id for row, _ in store.read_outbox()]

        assert after(1) == ["n2"]
        assert store.read_attempts("n1") == []
        assert len(store.read_attempts("n2")) == 1
        assert after(30) == ["n2"]
        assert after(31) == []
        assert store.read_attempts("n2") == []
