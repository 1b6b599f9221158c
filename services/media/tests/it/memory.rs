//! How much memory uploads take.

use std::time::Duration;

use futures::future::join_all;

use crate::stage::{Stage, png};

const FILE_BYTES: usize = 5 * 1024 * 1024;
const AT_ONCE: usize = 50;

/// This process is service and client at once, so that what the client holds is counted too: it sends one and the same
/// buffer for all.
#[tokio::test]
#[ignore = "measures the whole process: run it alone, with --ignored"]
async fn fifty_uploads_of_5_mb_at_once_add_little_memory() {
    let stage = Stage::with(&["--max-upload-bytes", &FILE_BYTES.to_string()]).await;
    stage.upload(&png(1000)).await;
    let bytes = bytes::Bytes::from(png(FILE_BYTES));
    let sent = |bytes: bytes::Bytes| {
        let part = reqwest::multipart::Part::stream_with_length(bytes, FILE_BYTES as u64);
        stage.send(reqwest::multipart::Form::new().part("file", part.file_name("a")))
    };
    let before = resident_kib();
    let watching = tokio::spawn(async {
        let mut most = 0;
        loop {
            most = most.max(resident_kib());
            MOST.store(most, std::sync::atomic::Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let answers = join_all((0..AT_ONCE).map(|_| sent(bytes.clone()))).await;
    watching.abort();
    assert!(answers.iter().all(|answer| answer.status() == 201));

    let most = MOST.load(std::sync::atomic::Ordering::Relaxed);
    let added = most.saturating_sub(before);
    println!("{AT_ONCE} uploads of {FILE_BYTES} bytes: {before} KiB before, {added} KiB added");
    assert!(added < 20 * 1024, "{added} KiB");
}

static MOST: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a line");

    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number")
}
