//! Authors who are busy all at once, until they are told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::chaos::journal::Journal;
use crate::chaos::tally::Tally;
use crate::chaos::worker::Worker;
use crate::client::{PublicApi, Session};

const AUTHORS: usize = 8;
const PASSWORD: &str = "correct horse battery staple";

/// Busy authors. They stop when this is dropped, and then what they know is lost.
pub struct Crowd {
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    workers: JoinSet<Journal>,
}

impl Crowd {
    /// Registers everybody, each with an account of their own, and has them begin.
    pub async fn start(api: &PublicApi, seed: u64) -> Result<Self> {
        let mut crowd = Self {
            tally: Arc::default(),
            stop: Arc::default(),
            workers: JoinSet::new(),
        };
        for number in 0..AUTHORS {
            let name = format!("chaos{number}x{}", jiff::Timestamp::now().as_millisecond());
            let email = format!("{name}@example.com");
            let account = api.register(&name, &email, PASSWORD).await?.expect(201)?;
            let author: Session = account.json()?;
            let worker = Worker::new(api.clone(), crowd.tally.clone(), author, seed, number)?;
            crowd.workers.spawn(worker.run(crowd.stop.clone()));
        }

        Ok(crowd)
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What everybody noted, once they have ended what they were at.
    pub async fn stop(&mut self) -> Result<Vec<Journal>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut journals = Vec::new();
        while let Some(journal) = self.workers.join_next().await {
            journals.push(journal?);
        }

        Ok(journals)
    }
}
