//! What the program does instead of serving.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use bus::{Broker, Queue};
use jiff::{SignedDuration, Timestamp};

use crate::config::{Command, Config};
use crate::post::Id;
use crate::store::Store;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// No more changes than this wait to be announced because of a reindex, so that those of people hardly wait.
const MAX_PENDING: u64 = 2_000;
const POLL: Duration = Duration::from_millis(100);
/// Clocks differ, and a post whose change was announced a moment before is not announced again.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Does what `command` says, and prints what there is to say.
pub async fn run(config: Config, command: Command) -> Result<()> {
    match command {
        Command::DeadLetters(command) => {
            let broker = Broker::new(&config.bus, "post")?;
            command
                .run(&broker, Queue::PostUsers, &mut io::stdout())
                .await?;
        }
        Command::Reindex { after } => {
            let database = database::connect(&config.database, "post").await?;
            reindex(&Store::new(&database), after, &mut io::stdout()).await?;
        }
    }

    Ok(())
}

/// Marks every post as one to be announced; the services' relays do the rest.
async fn reindex(
    store: &Store,
    mut after: Option<Id>,
    out: &mut (impl Write + Send),
) -> Result<()> {
    if after.is_none() {
        writeln!(out, "search drop-unseen {}", Timestamp::now() - MARGIN)?;
    }
    let mut count = 0;
    loop {
        while store.backlog().await?.count > MAX_PENDING {
            tokio::time::sleep(POLL).await;
        }
        let Some(some) = store.announce_again(after).await? else {
            break;
        };
        after = Some(some.last);
        count += some.count;
        writeln!(out, "{count} posts, the last is {}", some.last)?;
    }
    // Of people's own changes there may always be some.
    let end = Timestamp::now();
    while store
        .backlog()
        .await?
        .since
        .is_some_and(|since| since <= end)
    {
        tokio::time::sleep(POLL).await;
    }
    writeln!(out, "{count} posts are announced again")?;

    Ok(())
}
