//! What every program shows under the same names: its start, memory, files and processor time, as the
//! kernel has them. Where it does not tell, nothing is shown.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use rustix::param::clock_ticks_per_second;

pub(super) fn register(registry: &mut Registry) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    registry.register_collector(Box::new(Process { started_s: since.as_secs_f64() }));
}

#[derive(Debug)]
struct Process {
    started_s: f64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, unit: Option<Unit>, value: Option<f64>| {
            let Some(value) = value else { return Ok(()) };
            let described =
                encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            ConstGauge::new(value).encode(described)
        };
        gauge(
            "process_start_time",
            "When the server was started, since 1970",
            Some(Unit::Seconds),
            Some(self.started_s),
        )?;
        gauge("process_resident_memory", "Memory in use", Some(Unit::Bytes), resident_bytes())?;
        gauge("process_open_fds", "Open files, sockets and pipes", None, open_files())?;
        gauge("process_max_fds", "Most that may be open", None, most_files())?;
        if let Some(seconds) = processor_seconds() {
            let described = encoder.encode_descriptor(
                "process_cpu",
                "Processor time of the server itself",
                Some(&Unit::Seconds),
                MetricType::Counter,
            )?;
            ConstCounter::new(seconds).encode(described)?;
        }
        Ok(())
    }
}

/// `VmRSS:     21504 kB`, see proc(5).
fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn open_files() -> Option<f64> {
    // The directory itself is open while it is read.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64)
}

/// `Max open files            1024                 4096                 files`
fn most_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of proc(5)'s stat, behind the name in brackets.
fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    let sum = ticks()? + ticks()?;
    Some(sum / clock_ticks_per_second() as f64)
}
