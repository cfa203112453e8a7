"""The cloud reads packed columns with numpy, everybody else with plain Python: both say the same of any batch."""

import numpy as np
from hypothesis import given

from cloud_api.ingest.columns import read_column
from schemas.batch import Batch, decode, encode, unpack
from tests.unit.schemas.strategies import batches


@given(batches())
def test_numpy_and_plain_python_read_the_same(batch: Batch) -> None:
    payload = encode(batch)
    packed, plain = unpack(payload), decode(payload)
    for packed_column, column in zip(packed.columns, plain.columns, strict=True):
        arrays = read_column(packed_column, packed.base_us)
        assert arrays.tags.tolist() == list(column.tags)
        assert arrays.times_us.tolist() == list(column.times_us)
        assert arrays.statuses.view(np.uint32).tolist() == list(column.statuses or [0] * len(column.tags))
        if column.values is not None:
            values = [arrays.value_at(at) for at in range(len(column.values))]
            assert [repr(value) for value in values] == [repr(value) for value in column.values]
