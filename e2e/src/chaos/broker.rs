//! The broker as its own command-line tool shows and changes it.

use std::time::Duration;

use anyhow::{Context, Result};
use operator_api::{Component, object_name};
use serde::Deserialize;

use crate::Namespace;
use crate::platform::NAME;
use crate::wait::{Look, until};

/// The tool's own limit for an answer, in seconds: a broker that is asked here is up.
const TIMEOUT: &str = "--timeout=30";
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);

/// The broker of a platform.
pub struct Broker<'a>(pub &'a Namespace);

/// A queue, and how many messages it has, those in hand among them. RabbitMQ counts those of a quorum queue anew every
/// 5 s.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Queue {
    pub name: String,
    pub messages: u64,
}

impl Queue {
    /// Holds what could not be handled.
    pub fn is_of_dead_letters(&self) -> bool {
        self.name.ends_with(".dead")
    }
}

impl Broker<'_> {
    pub async fn queues(&self) -> Result<Vec<Queue>> {
        let list = ["--formatter=json", "list_queues", "name", "messages"];
        let queues = self.rabbitmqctl(&list).await?;

        serde_json::from_str(&queues).with_context(|| format!("not a list of queues: {queues}"))
    }

    /// So many bytes have to be free on the disk, or nothing that is published is read.
    pub async fn disk_free_limit(&self) -> Result<u64> {
        let limit = self
            .rabbitmqctl(&["eval", "rabbit_disk_monitor:get_disk_free_limit()."])
            .await?;

        limit
            .trim()
            .parse()
            .with_context(|| format!("not a number of bytes: {limit}"))
    }

    /// Until the broker is started again, which then has what its configuration says.
    pub async fn set_disk_free_limit(&self, bytes: u64) -> Result<()> {
        self.rabbitmqctl(&["set_disk_free_limit", &bytes.to_string()])
            .await?;

        Ok(())
    }

    /// Whether nothing that is published is read for want of disk.
    pub async fn is_short_of_disk(&self) -> Result<bool> {
        let alarms = self
            .rabbitmqctl(&["eval", "rabbit_alarm:get_alarms()."])
            .await?;

        Ok(alarms.contains("disk"))
    }

    /// Puts messages that are no events into a queue. `name` is the id of each, with `~b` for its number.
    pub async fn put(&self, queue: &str, count: u64, name: &str) -> Result<()> {
        let program = format!(
            "Exchange = rabbit_misc:r(<<\"/\">>, exchange, <<\"\">>), \
             Id = fun(Number) -> iolist_to_binary(io_lib:format(\"{name}\", [Number])) end, \
             Put = fun(Number) -> \
                 Properties = [{{delivery_mode, 2}}, {{message_id, Id(Number)}}], \
                 Message = rabbit_basic:message(Exchange, <<\"{queue}\">>, Properties, <<\"poison\">>), \
                 ok = rabbit_queue_type:publish_at_most_once(Exchange, Message) \
             end, \
             lists:foreach(Put, lists:seq(1, {count}))."
        );
        self.rabbitmqctl(&["eval", &program]).await?;

        Ok(())
    }

    /// The tool is not always to be started in a pod that was killed a moment ago, or on a machine that is at its limit.
    async fn rabbitmqctl(&self, arguments: &[&str]) -> Result<String> {
        let set = format!("statefulset/{}", object_name(NAME, Component::RabbitMq));
        let command = ["exec", &set, "--", "rabbitmqctl", "--silent", TIMEOUT];
        let command = [&command, arguments].concat();

        until("an answer of the broker", ANSWERS_WITHIN, async || {
            Ok(match self.0.kubectl(&command).await {
                Ok(said) => Look::There(said),
                Err(error) => Look::NotYet(format!("{error:#}")),
            })
        })
        .await
    }
}
