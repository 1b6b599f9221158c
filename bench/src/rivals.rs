//! What the gateway is compared with: nginx, and the proxy of the former platform; and the origin behind all of them.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::cores::Core;
use crate::platform::{Places, Service, free_address};
use crate::process::Process;

/// 1.5 KB, as a page of posts has.
const ANSWER_BYTES: usize = 1500;
const NGINX: &str = "/usr/sbin/nginx";
const NODE: &str = "/usr/bin/env";

/// Answers every path with the same JSON.
pub async fn origin(places: &Places) -> Result<Service> {
    let padding = "x".repeat(ANSWER_BYTES);
    let location =
        format!(r#"default_type application/json; return 200 '{{"posts":"{padding}"}}';"#);

    nginx(places, "origin", "", &location, Core::Second).await
}

/// nginx as a proxy, with kept connections on both sides and no log.
pub async fn nginx_proxy(places: &Places, origin: &Service) -> Result<Service> {
    let address = origin.url.trim_start_matches("http://");
    let upstream = format!("upstream origin {{ server {address}; keepalive 128; }}");
    let location =
        r#"proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";"#;

    nginx(places, "nginx", &upstream, location, Core::First).await
}

/// The proxy of the former platform, which `rival` holds with what it depends on.
pub async fn express(places: &Places, rival: &Path, origin: &Service) -> Result<Service> {
    let address = free_address()?;
    let port = address.rsplit(':').next().unwrap_or_default().to_owned();
    let script = rival.join("proxy.js").display().to_string();
    let arguments = ["node".to_owned(), script, origin.url.clone(), port];
    let settings = [("NODE_ENV", "production".to_owned())];
    let process = Process::start(
        "express",
        Path::new(NODE),
        arguments,
        &settings,
        Core::First,
        &places.scratch,
    )?;

    service(process, address).await
}

async fn nginx(
    places: &Places,
    name: &'static str,
    upstream: &str,
    location: &str,
    core: Core,
) -> Result<Service> {
    let address = free_address()?;
    let folder = places.scratch.join(name);
    fs::create_dir_all(&folder)?;
    let configuration = folder.join("nginx.conf");
    fs::write(
        &configuration,
        configured(&folder, &address, upstream, location),
    )?;
    let arguments = ["-c".to_owned(), configuration.display().to_string()];
    let process = Process::start(
        name,
        Path::new(NGINX),
        arguments,
        &[],
        core,
        &places.scratch,
    )?;

    service(process, address).await
}

async fn service(process: Process, address: String) -> Result<Service> {
    let url = format!("http://{address}");

    Ok(Service {
        process: process.ready(&url).await?,
        url,
    })
}

/// One process that does everything, so that its time is all there is to measure.
fn configured(folder: &Path, address: &str, upstream: &str, location: &str) -> String {
    let folder = folder.display();

    format!(
        "daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {upstream}
  server {{
    listen {address};
    location / {{ {location} }}
  }}
}}
"
    )
}
