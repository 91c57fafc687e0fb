//! Pages for benchmarks: as large as wanted, and alike as those of the instances of one app are.

use std::fmt::Write as _;

use promfetch_core::labels::Labels;

/// The nine labels of an instance.
pub(crate) fn instance_labels(index: usize) -> Labels {
    let index = index.to_string();
    let address = format!("10.0.{}.7:61{index:0>3}", index.len());
    Labels::from_iter([
        ("organization_id", "3f2b6d0e-6d5d-4b7f-9c55-6a1d3f6a9d01"),
        ("space_id", "b1b9a3f4-0b1e-4f0a-8a59-0f6d0a1f2c11"),
        ("app_id", "0c8f1c52-55f5-45b1-9f6e-a2a1b7a4f6f0"),
        ("organization_name", "my-organization"),
        ("space_name", "production"),
        ("app_name", "shop-backend"),
        ("index", &index),
        ("instance_id", &index),
        ("instance", &address),
    ])
}

/// A page of about `size` bytes.
pub(crate) fn page(size: usize, instance: usize) -> String {
    let mut page = String::with_capacity(size + 4096);
    let mut next = numbers(instance);
    let mut block = 0;
    while page.len() < size {
        let _ = writeln!(
            page,
            "# HELP node_cpu_seconds_{block}_total Seconds the CPUs spent in each mode.\n# TYPE node_cpu_seconds_{block}_total counter"
        );
        for cpu in 0..4 {
            for mode in [
                "idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user",
            ] {
                let _ = writeln!(
                    page,
                    "node_cpu_seconds_{block}_total{{cpu=\"{cpu}\",mode=\"{mode}\"}} {}",
                    next() % 10_000_000_000 / 100
                );
            }
        }
        for gauge in ["MemFree", "MemAvailable", "Cached", "SwapFree", "Dirty"] {
            let _ = writeln!(
                page,
                "# HELP node_memory_{gauge}_{block}_bytes Memory information field {gauge}_bytes.\n# TYPE node_memory_{gauge}_{block}_bytes gauge\nnode_memory_{gauge}_{block}_bytes {:e}",
                next() % 100_000_000_000
            );
        }
        let _ = writeln!(
            page,
            "# HELP jvm_memory_used_{block}_bytes The amount of used memory\n# TYPE jvm_memory_used_{block}_bytes gauge"
        );
        for (area, id) in [
            ("heap", "G1 Eden Space"),
            ("heap", "G1 Old Gen"),
            ("nonheap", "Metaspace"),
            ("nonheap", "CodeHeap 'non-nmethods'"),
        ] {
            let _ = writeln!(
                page,
                "jvm_memory_used_{block}_bytes{{application=\"shop\",area=\"{area}\",id=\"{id}\",}} {}.{}E7",
                next() % 10,
                next() % 100_000
            );
        }
        let _ = writeln!(
            page,
            "# HELP http_server_requests_{block}_seconds \n# TYPE http_server_requests_{block}_seconds histogram"
        );
        for uri in [
            "/api/orders/{id}",
            "/api/customers/{id}/addresses",
            "/actuator/prometheus",
        ] {
            let labels = format!(
                "application=\"shop\",exception=\"None\",method=\"GET\",outcome=\"SUCCESS\",status=\"200\",uri=\"{uri}\""
            );
            let mut count = 0;
            for le in ["0.005", "0.01", "0.05", "0.1", "0.5", "1.0", "5.0", "+Inf"] {
                count += next() % 1000;
                let _ = writeln!(
                    page,
                    "http_server_requests_{block}_seconds_bucket{{{labels},le=\"{le}\",}} {count}.0"
                );
            }
            let _ = writeln!(
                page,
                "http_server_requests_{block}_seconds_count{{{labels},}} {count}.0"
            );
            let _ = writeln!(
                page,
                "http_server_requests_{block}_seconds_sum{{{labels},}} {}.{}",
                next() % 1000,
                next() % 1_000_000_000
            );
        }
        block += 1;
    }
    page
}

/// Numbers that are different for each instance.
fn numbers(instance: usize) -> impl FnMut() -> u64 {
    let mut random = 0x9e37_79b9_7f4a_7c15u64 ^ (instance as u64) << 17;
    move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    }
}

/// A page of about `size` bytes of many small families. `total` is what counters have on their TYPE line.
pub(crate) fn small_families(size: usize, instance: usize, total: &str, end: &str) -> String {
    let mut page = String::with_capacity(size + 8192);
    let mut next = numbers(instance);
    let mut block = 0;
    while page.len() < size {
        for unit in ["reads", "written_bytes", "io_time_weighted", "flushes"] {
            let name = format!("node_disk_{unit}_{block}");
            let _ = writeln!(
                page,
                "# HELP {name}{total} The total number of {unit} of the device.\n# TYPE {name}{total} counter"
            );
            for device in ["sda", "sdb", "nvme0n1"] {
                let value = next() % 1_000_000;
                let _ = writeln!(page, "{name}_total{{device=\"{device}\"}} {value}");
            }
        }
        for gauge in [
            "goroutines",
            "threads",
            "heap_alloc_bytes",
            "heap_objects",
            "gc_bytes",
            "fds",
        ] {
            let name = format!("go_{gauge}_{block}");
            let value = (next() % 10_000_000) as f64 / 8.0;
            let _ = writeln!(
                page,
                "# HELP {name} Number of {gauge} that currently exist.\n# TYPE {name} gauge\n{name} {value}"
            );
        }
        let name = format!("go_gc_duration_{block}_seconds");
        let _ = writeln!(
            page,
            "# HELP {name} A summary of the pauses in garbage collection cycles.\n# TYPE {name} summary"
        );
        for quantile in ["0", "0.25", "0.5", "0.75", "1"] {
            let value = (next() % 100_000) as f64 * 1e-9;
            let _ = writeln!(page, "{name}{{quantile=\"{quantile}\"}} {value:e}");
        }
        let (sum, count) = ((next() % 1_000_000) as f64 / 1e4, next() % 100_000);
        let _ = writeln!(page, "{name}_sum {sum}\n{name}_count {count}");
        let name = format!("http_request_duration_{block}_seconds");
        let _ = writeln!(
            page,
            "# HELP {name} Duration of requests.\n# TYPE {name} histogram"
        );
        for path in ["/", "/api/v1/orders", "/healthz"] {
            let labels = format!("code=\"200\",method=\"get\",path=\"{path}\"");
            let mut count = 0;
            for le in [
                "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "+Inf",
            ] {
                count += next() % 1000;
                let _ = writeln!(page, "{name}_bucket{{{labels},le=\"{le}\"}} {count}");
            }
            let sum = (next() % 1_000_000) as f64 / 1e3;
            let _ = writeln!(
                page,
                "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}"
            );
        }
        block += 1;
    }
    page.push_str(end);
    page
}
