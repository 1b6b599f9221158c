//! Uploads and downloads, and the memory they need.

use std::path::Path;

use anyhow::Result;
use futures::future::try_join_all;
use reqwest::multipart::{Form, Part};

use crate::load::{Body, Mixture, Request};
use crate::process::Process;
use crate::report::{Growth, Row};
use crate::stage::{Stage, answer, text};

const SIZES: [(&str, usize); 2] = [("100 KB", 100_000), ("5 MB", 5_000_000)];
const AT_ONCE: usize = 50;
const BOUNDARY: &str = "----------bench";
/// A picture of one pixel: the signature and the first chunk of a PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";

pub async fn measure(stage: &Stage) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (size, bytes) in SIZES {
        let form = stage.places.scratch.join("form");
        std::fs::write(&form, multipart(bytes))?;
        let upload = format!("upload of {size}");
        rows.push(row(stage, &upload, &uploads(stage, &form)).await?);
        stage.bench.stores.empty_media().await?;

        let id = text(&send(stage, bytes).await?, "mediaId")?;
        let download = Mixture::one(Request::get(format!("/v1/media/{id}")));
        rows.push(row(stage, &format!("download of {size}"), &download).await?);
        stage.bench.stores.empty_media().await?;
    }

    Ok(rows)
}

/// What as many uploads at once as the load has connections add to the memory of those they pass through.
pub async fn growth(stage: &Stage) -> Result<Vec<Growth>> {
    let processes = processes(stage);
    stage.bench.quiet(&processes).await?;
    let mut before = Vec::new();
    for process in processes {
        process.forget_peak()?;
        before.push(process.memory()?.resident);
    }
    try_join_all((0..AT_ONCE).map(|_| send(stage, SIZES[1].1))).await?;
    let growth = processes.iter().zip(before).map(|(process, before)| {
        Ok(Growth {
            process: process.name,
            before,
            peak: process.memory()?.peak,
        })
    });
    let growth = growth.collect();
    stage.bench.stores.empty_media().await?;

    growth
}

async fn row(stage: &Stage, name: &str, mixture: &Mixture) -> Result<Row> {
    let processes = processes(stage);

    stage
        .bench
        .row(&stage.subject(name, &processes), mixture)
        .await
}

fn processes(stage: &Stage) -> [&Process; 2] {
    [&stage.gateway.process, &stage.services.media.process]
}

fn uploads(stage: &Stage, form: &Path) -> Mixture {
    Mixture::one(Request::post("/v1/media", Body::File(form.to_owned())))
        .by(&stage.token)
        .with(
            "Content-Type",
            format!("multipart/form-data; boundary={BOUNDARY}"),
        )
}

async fn send(stage: &Stage, bytes: usize) -> Result<serde_json::Value> {
    let form = Form::new().part("file", Part::bytes(picture(bytes)).file_name("picture.png"));
    let request = stage.client.post(format!("{}/v1/media", stage.gateway.url));

    answer(request.bearer_auth(&stage.token).multipart(form)).await
}

fn multipart(bytes: usize) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"picture.png\"\r\nContent-Type: image/png\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");

    [head.as_bytes(), &picture(bytes), tail.as_bytes()].concat()
}

/// Something that begins like a picture; nobody looks further.
fn picture(bytes: usize) -> Vec<u8> {
    let noise = (0_u64..).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8);

    PNG.iter().copied().chain(noise).take(bytes).collect()
}
