//! What the program does instead of serving.

use std::error::Error;
use std::io;

use bus::{Broker, Queue};
use jiff::Timestamp;

use crate::config::{Command, Config};
use crate::engine::Engine as _;
use crate::store::Store;

/// Does what `command` says, and prints what there is to say.
pub async fn run(config: Config, command: Command) -> Result<(), Box<dyn Error + Send + Sync>> {
    match command {
        Command::DeadLetters(command) => {
            let broker = Broker::new(&config.bus, "search")?;
            command
                .run(&broker, Queue::SearchPosts, &mut io::stdout())
                .await?;
        }
        Command::DropUnseen { before } => {
            if before > Timestamp::now() {
                return Err(format!("{before} is yet to come").into());
            }
            let database = database::connect(&config.database, "search").await?;
            let dropped = Store::new(&database).drop_unseen(before).await?;
            println!("{dropped} posts were not announced since {before} and are forgotten");
        }
    }

    Ok(())
}
