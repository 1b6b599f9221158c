//! One author, who writes, edits and deletes posts of their own and notes what they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::chaos::journal::{Journal, Presence, Written, text, word};
use crate::chaos::tally::{End, Tally};
use crate::client::{Answer, NewPost, Post, PublicApi, Session, Upload};
use crate::conversation::picture;

/// Between two operations: eight authors are some sixty operations a second, which the smallest machine of ours serves
/// with the cluster on it.
const PAUSE: Duration = Duration::from_millis(60);
/// Above the 10 s that the post service takes at most: what is not answered by then will not be.
const PATIENCE: Duration = Duration::from_secs(15);
/// Edits and deletions are of so many posts, the latest: their events are likeliest to be on their way.
const LATEST: usize = 16;
/// How many of the new posts have a picture.
const WITH_PICTURE: f64 = 0.2;

pub struct Worker {
    api: PublicApi,
    tally: Arc<Tally>,
    seed: u64,
    number: usize,
    choices: StdRng,
    picture: Vec<u8>,
    journal: Journal,
    /// Which posts of the journal may be edited and deleted.
    living: Vec<usize>,
}

/// What came of a request.
enum Reply<T> {
    Done(T),
    /// Answered with a status that begins with 4, or with something unreadable.
    Refused {
        status: u16,
        said: String,
    },
    Unknown,
}

impl Worker {
    /// Its choices follow from `seed` and its number.
    pub fn new(
        api: PublicApi,
        tally: Arc<Tally>,
        author: Session,
        seed: u64,
        number: usize,
    ) -> Result<Self> {
        Ok(Self {
            api,
            tally,
            seed,
            number,
            choices: StdRng::seed_from_u64(seed.wrapping_add(number as u64)),
            picture: picture()?,
            journal: Journal::of(author),
            living: Vec::new(),
        })
    }

    /// Is busy until it is told to stop, and ends what it is at.
    pub async fn run(mut self, stop: Arc<AtomicBool>) -> Journal {
        while !stop.load(Ordering::Relaxed) {
            let choice = self.choices.random_range(0..10);
            match (choice, self.pick()) {
                (0..5, _) | (_, None) => self.write().await,
                (5..8, Some(post)) => self.edit(post).await,
                (_, Some(post)) => self.delete(post).await,
            }
            tokio::time::sleep(PAUSE).await;
        }

        self.journal
    }

    fn pick(&mut self) -> Option<usize> {
        let from = self.living.len().saturating_sub(LATEST);

        self.living[from..].choose(&mut self.choices).copied()
    }

    /// A word that was never sent before. It is noted first: whatever comes of it, search is asked for it.
    fn new_word(&mut self) -> String {
        let word = word(self.seed, self.number, self.journal.words.len());
        self.journal.words.push(word.clone());

        word
    }

    async fn write(&mut self) {
        let file = if self.choices.random_bool(WITH_PICTURE) {
            self.upload().await
        } else {
            None
        };
        let word = self.new_word();
        let token = &self.journal.author.tokens.access_token;
        let content = text(&word);
        let files: Vec<_> = file.iter().map(String::as_str).collect();
        match reply::<NewPost>(self.api.create_post(token, &content, &files)).await {
            Reply::Done(created) => {
                self.living.push(self.journal.posts.len());
                let written = Written::new(created.new_post.id, word);
                self.journal.posts.push(written);
                self.tally.note(End::Ok);
            }
            Reply::Refused { said, .. } => self.note_refusal(said),
            Reply::Unknown => {
                self.journal.maybe.push(word);
                self.tally.note(End::Unknown);
            }
        }
    }

    /// The id of a new file, if that is known.
    async fn upload(&mut self) -> Option<String> {
        let token = &self.journal.author.tokens.access_token;
        match reply::<Upload>(self.api.upload(token, "pixel.png", &self.picture)).await {
            Reply::Done(upload) => {
                let id = upload.media_id.clone();
                self.journal.files.push(upload);
                self.tally.note(End::Ok);
                return Some(id);
            }
            Reply::Refused { said, .. } => self.note_refusal(said),
            Reply::Unknown => self.tally.note(End::Unknown),
        }

        None
    }

    async fn edit(&mut self, post: usize) {
        let word = self.new_word();
        let token = &self.journal.author.tokens.access_token;
        let id = &self.journal.posts[post].id;
        let reply = reply::<Post>(self.api.edit_post(token, id, &text(&word))).await;
        let written = &mut self.journal.posts[post];
        match reply {
            Reply::Done(_) => {
                written.word = word;
                self.tally.note(End::Ok);
            }
            Reply::Refused { status, said } => self.note_end(post, status, said),
            Reply::Unknown => {
                written.maybe.push(word);
                self.tally.note(End::Unknown);
            }
        }
    }

    async fn delete(&mut self, post: usize) {
        let token = &self.journal.author.tokens.access_token;
        let id = &self.journal.posts[post].id;
        match reply::<IgnoredAny>(self.api.delete_post(token, id)).await {
            Reply::Done(_) => {
                self.bury(post);
                self.tally.note(End::Ok);
            }
            Reply::Refused { status, said } => self.note_end(post, status, said),
            Reply::Unknown => {
                self.journal.posts[post].presence = Presence::Perhaps;
                self.tally.note(End::Unknown);
            }
        }
    }

    /// A post that is not there has been deleted by the request that was not answered, if there was one. Otherwise it
    /// was lost.
    fn note_end(&mut self, post: usize, status: u16, said: String) {
        if status == 404 && self.journal.posts[post].presence == Presence::Perhaps {
            self.bury(post);
            self.tally.note(End::Ok);
        } else {
            self.note_refusal(said);
        }
    }

    fn bury(&mut self, post: usize) {
        self.journal.posts[post].presence = Presence::Gone;
        self.living.retain(|living| *living != post);
    }

    fn note_refusal(&mut self, said: String) {
        self.journal.refusals.push(said);
        self.tally.note(End::Failed);
    }
}

async fn reply<T: DeserializeOwned>(request: impl Future<Output = Result<Answer>>) -> Reply<T> {
    let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, request).await else {
        return Reply::Unknown;
    };
    let status = answer.status.as_u16();
    let refused = |said| Reply::Refused { status, said };
    match status {
        200..300 => match answer.json() {
            Ok(done) => Reply::Done(done),
            Err(error) => refused(format!("{error:#}")),
        },
        400..500 => refused(format!(
            "{} {} answered {status}: {}",
            answer.method,
            answer.path,
            String::from_utf8_lossy(&answer.body)
        )),
        _ => Reply::Unknown,
    }
}
