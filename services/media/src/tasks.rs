//! What the program does instead of serving.

use std::error::Error;
use std::io;
use std::time::Duration;

use bus::{Broker, Queue};

use crate::config::{Command, Config};
use crate::storage;
use crate::store::Store;

/// Does what `command` says, and prints what there is to say.
pub async fn run(config: Config, command: Command) -> Result<(), Box<dyn Error + Send + Sync>> {
    match command {
        Command::DeadLetters(command) => {
            let broker = Broker::new(&config.bus, "media")?;
            command
                .run(&broker, Queue::MediaPosts, &mut io::stdout())
                .await?;
        }
        Command::Orphans {
            older_than_seconds,
            remove,
        } => {
            let database = database::connect(&config.database, "media").await?;
            let storage = storage::open(&config.storage, &database)?;
            let store = Store::new(&database, storage);
            let age = Duration::from_secs(older_than_seconds);
            if remove {
                println!("{} files removed", store.sweep_unclaimed(age).await?);
            } else {
                store.list_unclaimed(age, &mut io::stdout()).await?;
            }
        }
    }

    Ok(())
}
