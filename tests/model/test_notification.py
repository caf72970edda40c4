from rulesd.model.notification import Delivery
from rulesd.model.reasons import DeliveryOutcome, DeliveryReason


def test_a_delivery_remembers_nothing_by_default() -> None:
    one, two = (
        Delivery(outcome=DeliveryOutcome.DELIVERED, reason=DeliveryReason.OK) for _ in range(2)
    )
    assert one.reference == {}
    assert one.reference is not two.reference
    assert one.retry_after_ms is None
