//! What there is to see when a test failed, on standard error: pods, logs, events, the platform, the operator.

use std::fmt::Write as _;

use anyhow::{Error, Result};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Event, Pod};
use kube::ResourceExt;
use kube::api::{Api, ListParams, LogParams};
use operator_api::SocialPlatform;

use crate::cluster::OPERATOR_NAMESPACE;
use crate::namespace::Namespace;

/// Lines of each container's log.
const LOG_LINES: i64 = 40;
const OPERATOR_LOG_LINES: i64 = 120;

/// Prints everything; a part that cannot be read says so and keeps none of the others away.
pub async fn print(namespace: &Namespace, error: &Error) {
    let name = &namespace.name;
    eprintln!("\n{error:#}\nNamespace {name} is kept. What there is in it:");
    let parts = [
        ("platforms", platforms(namespace).await),
        ("pods", pods(&namespace.api(), LOG_LINES).await),
        ("events", events(&namespace.api()).await),
        (
            "operator",
            pods(
                &namespace.cluster.api(OPERATOR_NAMESPACE),
                OPERATOR_LOG_LINES,
            )
            .await,
        ),
    ];
    for (part, text) in parts {
        let text = text.unwrap_or_else(|error| format!("failed to read: {error:#}"));
        eprintln!("\n---- {part} of {name}\n{}", text.trim_end());
    }
}

async fn platforms(namespace: &Namespace) -> Result<String> {
    let mut text = String::new();
    let platforms = namespace.api::<SocialPlatform>();
    for mut platform in platforms.list(&ListParams::default()).await? {
        platform.metadata.managed_fields = None;
        text.push_str(&serde_yaml::to_string(&platform)?);
    }

    Ok(text)
}

async fn pods(pods: &Api<Pod>, lines: i64) -> Result<String> {
    let mut text = String::new();
    for pod in pods.list(&ListParams::default()).await? {
        let name = pod.name_any();
        let status = pod.status.clone().unwrap_or_default();
        let phase = status.phase.unwrap_or_default();
        let leaving = match pod.metadata.deletion_timestamp {
            Some(_) => ", about to stop",
            None => "",
        };
        writeln!(text, "{name}: {phase}{leaving}")?;
        for condition in status.conditions.unwrap_or_default() {
            if let (status, Some(message)) = (condition.status, condition.message) {
                writeln!(text, "  {} is {status}: {message}", condition.type_)?;
            }
        }
        for container in status.container_statuses.unwrap_or_default() {
            writeln!(text, "  {}", state(&container))?;
            if container.restart_count > 0 {
                write_log(&mut text, pods, &name, lines, true).await?;
            }
            write_log(&mut text, pods, &name, lines, false).await?;
        }
    }

    Ok(text)
}

async fn write_log(
    text: &mut String,
    pods: &Api<Pod>,
    name: &str,
    lines: i64,
    previous: bool,
) -> Result<()> {
    let wanted = LogParams {
        tail_lines: Some(lines),
        previous,
        ..LogParams::default()
    };
    let log = match pods.logs(name, &wanted).await {
        Ok(log) => log,
        Err(error) => format!("no log: {error}"),
    };
    let mark = if previous { "before" } else { "log" };
    for line in log.lines() {
        writeln!(text, "    {mark} | {line}")?;
    }

    Ok(())
}

fn state(container: &ContainerStatus) -> String {
    let ContainerStatus {
        name,
        ready,
        restart_count,
        ..
    } = container;
    let now = container.state.as_ref().map(one_state).unwrap_or_default();
    let last = container
        .last_state
        .as_ref()
        .map(one_state)
        .filter(|last| !last.is_empty());
    let last = last.map(|last| format!(", before: {last}"));

    format!(
        "{name}: ready {ready}, {restart_count} restarts, {now}{}",
        last.unwrap_or_default()
    )
}

fn one_state(state: &ContainerState) -> String {
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or("unknown");
        return format!(
            "waiting: {reason} {}",
            waiting.message.as_deref().unwrap_or_default()
        );
    }
    if let Some(ended) = &state.terminated {
        let reason = ended.reason.as_deref().unwrap_or("unknown");
        return format!("ended with {}: {reason}", ended.exit_code);
    }

    match state.running {
        Some(_) => "running".to_owned(),
        None => String::new(),
    }
}

async fn events(events: &Api<Event>) -> Result<String> {
    let mut events = events.list(&ListParams::default()).await?.items;
    let time = |event: &Event| {
        let last = event.last_timestamp.as_ref().map(|time| time.0);
        last.or(event.event_time.as_ref().map(|time| time.0))
    };
    events.sort_by_key(time);
    let mut text = String::new();
    for event in &events {
        let kind = event.involved_object.kind.as_deref().unwrap_or_default();
        let name = event.involved_object.name.as_deref().unwrap_or_default();
        let reason = event.reason.as_deref().unwrap_or_default();
        let message = event.message.as_deref().unwrap_or_default();
        let time = time(event).map(|time| time.to_string()).unwrap_or_default();
        writeln!(text, "{time} {kind} {name}: {reason}: {message}")?;
    }

    Ok(text)
}
