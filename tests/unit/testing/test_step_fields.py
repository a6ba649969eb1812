from msgspec.structs import fields

from hotswap.config.describe import field_docs
from hotswap.testing.step import Step


def test_every_field_of_a_step_is_explained() -> None:
    told = field_docs(Step)

    assert [field.name for field in fields(Step) if field.name not in told] == []
