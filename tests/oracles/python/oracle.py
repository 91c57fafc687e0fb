"""Reads a page of metrics with readers that are not promfetch's and prints each series as one line of JSON.

    oracle.py text|openmetrics|protobuf FILE…

`-` is the standard input. After the series of each file comes a line with `end`: null, or why the page is refused.
Text and OpenMetrics are read by prometheus_client; protobuf by decoders that protoc makes of core/proto/metrics.proto,
which know only the fields that stand there.
"""

import json
import math
import os
import sys

import prometheus_client.openmetrics.parser
import prometheus_client.parser


def number(value):
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def milliseconds(seconds):
    return None if seconds is None else round(float(seconds) * 1000)


def series(name, labels, value, timestamp=None, kind="", help="", unit="", exemplars=(), created=None, native=None):
    print(
        json.dumps(
            {
                "name": name,
                "labels": labels,
                "value": "" if value is None else number(value),
                "timestamp": timestamp,
                "type": kind,
                "help": help,
                "unit": unit,
                "exemplars": list(exemplars),
                "created": created,
                "native": native,
            }
        )
    )


def text(page, parse):
    for family in parse(page.decode("utf-8")):
        for sample in family.samples:
            exemplars = []
            if sample.exemplar:
                exemplars.append(
                    {
                        "labels": sample.exemplar.labels,
                        "value": number(sample.exemplar.value),
                        "timestamp": milliseconds(sample.exemplar.timestamp),
                    }
                )
            series(
                sample.name,
                sample.labels,
                sample.value,
                milliseconds(sample.timestamp),
                family.type,
                family.documentation,
                family.unit,
                exemplars,
            )


def messages():
    """The decoders, which `install-test-tools` has made next to the virtual environment's Python."""
    sys.path.insert(0, os.path.join(sys.prefix, "promfetch"))
    import metrics_pb2

    return metrics_pb2


def varint(page, at):
    value = shift = 0
    while True:
        byte = page[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def families(page):
    from google.protobuf.unknown_fields import UnknownFieldSet

    pb = messages()

    def known(message):
        # A wrong field number would be passed over in silence.
        unknown = UnknownFieldSet(message)
        if len(unknown):
            raise ValueError(f"{message.DESCRIPTOR.name} has the unknown field {unknown[0].field_number}")
        for field, value in message.ListFields():
            if field.message_type is not None:
                for one in value if isinstance(value, list) or hasattr(value, "append") else [value]:
                    known(one)

    at = 0
    while at < len(page):
        length, at = varint(page, at)
        if at + length > len(page):
            raise ValueError("the last message is cut short")
        family = pb.MetricFamily.FromString(bytes(page[at : at + length]))
        at += length
        known(family)
        yield family


def time(message, field):
    if not message.HasField(field):
        return None
    stamp = getattr(message, field)
    return stamp.seconds * 1000 + stamp.nanos // 1_000_000


def pairs(labels):
    found = {}
    for pair in labels:
        if pair.name in found:
            raise ValueError(f"label {pair.name} twice")
        found[pair.name] = pair.value
    return found


def example(exemplar):
    return {
        "labels": pairs(exemplar.label),
        "value": number(exemplar.value),
        "timestamp": time(exemplar, "timestamp"),
    }


def either(message, field):
    return getattr(message, field + "_float" if message.HasField(field + "_float") else field)


def buckets(spans, deltas, counts):
    if counts:
        counts = list(counts)
    else:
        counts, count = [], 0
        for delta in deltas:
            count += delta
            counts.append(count)
    found, index, at = {}, 0, 0
    for span in spans:
        index += span.offset
        for _ in range(span.length):
            if counts[at]:
                found[str(index)] = number(counts[at])
            index += 1
            at += 1
    if at != len(counts):
        raise ValueError("buckets that no span covers")
    return found


def native_of(histogram):
    # As Prometheus tells a native histogram from one that has only buckets.
    if not histogram.HasField("schema"):
        return None
    return {
        "float": histogram.HasField("sample_count_float"),
        "schema": histogram.schema,
        "zero_threshold": number(histogram.zero_threshold),
        "zero_count": number(either(histogram, "zero_count")),
        "count": number(either(histogram, "sample_count")),
        "sum": number(histogram.sample_sum),
        "positive": buckets(histogram.positive_span, histogram.positive_delta, histogram.positive_count),
        "negative": buckets(histogram.negative_span, histogram.negative_delta, histogram.negative_count),
    }


FIELDS = {"counter": "counter", "gauge": "gauge", "untyped": "untyped", "summary": "summary"}


def protobuf(page):
    pb = messages()
    for family in families(page):
        kind = pb.MetricType.Name(family.type).lower().replace("_", "")
        field = FIELDS.get(kind, "histogram")
        for metric in family.metric:
            if not metric.HasField(field):
                raise ValueError(f"{family.name} is a {kind} without one")
            labels = pairs(metric.label)
            timestamp = metric.timestamp_ms if metric.HasField("timestamp_ms") else None
            value = getattr(metric, field)
            created = None if kind in ("gauge", "untyped") else time(value, "created_timestamp")

            def one(suffix, sample, more={}, exemplars=(), native=None):
                series(
                    family.name + suffix,
                    {**labels, **more},
                    sample,
                    timestamp,
                    kind,
                    family.help,
                    family.unit,
                    exemplars,
                    created,
                    native,
                )

            if kind in ("gauge", "untyped"):
                one("", value.value)
            elif kind == "counter":
                one("", value.value, exemplars=[example(value.exemplar)] if value.HasField("exemplar") else [])
            elif kind == "summary":
                for quantile in value.quantile:
                    one("", quantile.value, {"quantile": number(quantile.quantile)})
                one("_sum", value.sample_sum)
                one("_count", value.sample_count)
            else:
                native = native_of(value)
                if native:
                    one("", None, exemplars=map(example, value.exemplars), native=native)
                    if not value.bucket:
                        continue
                count = either(value, "sample_count")
                for bucket in value.bucket:
                    found = [example(bucket.exemplar)] if bucket.HasField("exemplar") else []
                    one("_bucket", either(bucket, "cumulative_count"), {"le": number(bucket.upper_bound)}, found)
                if not value.bucket or not math.isinf(value.bucket[-1].upper_bound):
                    one("_bucket", count, {"le": "+Inf"})
                one("_sum", value.sample_sum)
                one("_count", count)


READERS = {"text": prometheus_client.parser, "openmetrics": prometheus_client.openmetrics.parser}


def main():
    what, *files = sys.argv[1:]
    for file in files:
        with open("/dev/stdin" if file == "-" else file, "rb") as opened:
            page = opened.read()
        end = None
        try:
            if what == "protobuf":
                protobuf(page)
            else:
                text(page, READERS[what].text_string_to_metric_families)
        except Exception as error:
            end = f"{type(error).__name__}: {error}"
        print(json.dumps({"end": end}))


if __name__ == "__main__":
    main()
