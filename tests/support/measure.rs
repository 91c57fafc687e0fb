//! Figures for benchmarks: what the kernel knows of a process, and how fast the machine is.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Processor time of the process so far, over all its threads.
///
/// # Panics
/// When the process is gone.
pub fn processor_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    // The name in parentheses may hold anything; the fields after it are numbers. 14 and 15 are user and system time.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    let ticks: u64 = [11, 12]
        .iter()
        .filter_map(|&field| fields.get(field)?.parse::<u64>().ok())
        .sum();
    // Linux reports in hundredths of a second whatever its own clock is.
    Duration::from_millis(ticks * 10)
}

/// A line of `/proc/PID/status` in KiB, such as `VmHWM` (the peak) or `VmRSS`.
///
/// # Panics
/// When the process is gone.
pub fn memory_kib(pid: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let value = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    value
        .and_then(|value| value.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| panic!("no {line} of process {pid}"))
}

/// Starts the measurement of the peak (`VmHWM`) anew.
pub fn reset_peak(pid: u32) {
    // Not everywhere allowed; then the figure is the peak since the start.
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// Open file descriptors.
pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// Copies memory for a moment: bytes per second, to tell machines apart.
pub fn memcpy_speed() -> f64 {
    let (from, mut to) = (vec![1_u8; 64 << 20], vec![0_u8; 64 << 20]);
    let rounds = 16;
    let since = Instant::now();
    for _ in 0..rounds {
        black_box(&mut to).copy_from_slice(black_box(&from));
    }
    (rounds * from.len()) as f64 / since.elapsed().as_secs_f64()
}

/// The value at this share of a sorted list: 0.5 is the median.
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * share).round() as usize)
        .copied()
        .unwrap_or_default()
}

pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_time_memory_and_descriptors() {
        let pid = std::process::id();
        assert!(memory_kib(pid, "VmHWM") >= memory_kib(pid, "VmRSS") / 2);
        assert!(descriptors(pid) > 2);
        let before = processor_time(pid);
        while processor_time(pid) == before {
            std::hint::spin_loop();
        }
    }
}
