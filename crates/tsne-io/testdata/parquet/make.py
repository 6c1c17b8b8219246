"""Writes the Parquet files beside it, by pyarrow 26.0.1 and polars 2.1.0: python make.py"""

import datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

ARROW_SCHEMA = {"store_schema": False}

# Every numeric type, text, a null in a float and in an integer: snappy, one row group.
pq.write_table(
    pa.table(
        {
            "i8": pa.array([-1, 2, 3], pa.int8()),
            "u16": pa.array([65535, 0, 1], pa.uint16()),
            "i64": pa.array([2**53 + 1, -5, None], pa.int64()),
            "u64": pa.array([2**64 - 1, 0, 7], pa.uint64()),
            "f16": pa.array(np.array([0.5, -2, 65504], np.float16)),
            "f32": pa.array([0.1, None, -0.0], pa.float32()),
            "f64": pa.array([1e300, 5e-324, float("nan")], pa.float64()),
            "flag": pa.array([True, False, True]),
            "kind": pa.array(["é", None, "b"]).dictionary_encode(),
            "key": pa.array(["r1", "r2", "r3"], pa.large_string()),
            "day": pa.array([datetime.date(2020, 1, 1)] * 3),
            "pair": pa.array([{"a": 1, "b": 2}] * 3),
        }
    ),
    "types.parquet",
    **ARROW_SCHEMA,
)

# A list of fixed length, of which an element and a whole list are null; three row groups, gzip, pages of version 2.
lists = [None, [1.5, 2.5, -3.5], [4.0, None, 6.0], [7.0, 8.0, 9.0], [0.0, 0.1, 0.2]]
pq.write_table(
    pa.table({"x": pa.array(lists, pa.list_(pa.float32(), 3)), "y": pa.array(list("abcab"))}),
    "lists.parquet",
    row_group_size=2,
    compression="gzip",
    data_page_version="2.0",
    **ARROW_SCHEMA,
)

# Bytes and booleans without nulls, though optional: zstd as polars writes it.
pl.DataFrame(
    {"a": pl.Series([0, 255, 7, 7], dtype=pl.UInt8), "b": [True, False, True, True], "c": list("xyxy")}
).write_parquet("bytes.parquet", compression="zstd", statistics=False)

# An array column of polars, and the other encodings of numbers and text, in many pages.
n = 300
i = np.arange(n)
pq.write_table(
    pa.table(
        {
            "delta": pa.array(i * i - 40),
            "split": pa.array((i / 7).astype(np.float32)),
            "text": pa.array([f"row {k % 11}" for k in i]),
        }
    ),
    "encodings.parquet",
    use_dictionary=False,
    column_encoding={"delta": "DELTA_BINARY_PACKED", "split": "BYTE_STREAM_SPLIT", "text": "DELTA_BYTE_ARRAY"},
    compression="none",
    data_page_size=256,
    write_batch_size=64,
    **ARROW_SCHEMA,
)
pl.DataFrame({"v": pl.Series([[0.5, 1.5], [2.5, 3.5]], dtype=pl.Array(pl.Float64, 2))}).write_parquet(
    "array.parquet", statistics=False
)

# A null among bytes.
pq.write_table(pa.table({"a": pa.array([5, None, 7], pa.uint8())}), "gaps.parquet", **ARROW_SCHEMA)

# What is not read: a codec.
pq.write_table(pa.table({"x": pa.array([1.0, 2.0] * 100)}), "brotli.parquet", compression="brotli", **ARROW_SCHEMA)
