//! The checker: what of all that was written is not as it should be.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Document, doc};

use crate::broker::QUEUES;
use crate::platform::Platform;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something is under way and never ends.
    Unsettled,
    DeadLetter,
    /// A post is not what was acknowledged.
    Lost,
    /// There is a post that nobody wrote, or that was written twice.
    Stray,
    /// Search does not have a post.
    Missing,
    /// Search has another version of a post.
    Stale,
    /// Search has a post that is not there.
    Ghost,
    /// Search answers otherwise than what it has.
    Unfound,
    /// Media disagrees about who shows a file.
    Claim,
    /// A file of a deleted post is there.
    Orphan,
}

/// A post in the service's own database, or in search's.
#[derive(Debug, PartialEq, Eq)]
struct Copy {
    version: i64,
    content: String,
}

type Copies = BTreeMap<String, Copy>;

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}

impl Platform {
    /// Waits until nothing is under way any more, and compares what there is everywhere with what was answered.
    pub async fn audit(&mut self, patience: Duration) -> Vec<Finding> {
        if let Err(what) = self.settle(patience).await {
            return vec![finding(Kind::Unsettled, what)];
        }
        let posts = self.post.collection("posts");
        let posts = all(&posts, doc! {}).await;
        let found = self.search.collection("posts");
        let found = copies(&all(&found, doc! { "deletedAt": null }).await);

        let mut findings = self.audit_dead_letters().await;
        findings.extend(self.audit_history(&copies(&posts)));
        findings.extend(differences(&copies(&posts), &found));
        findings.extend(self.audit_files(&posts).await);
        if findings.is_empty() {
            findings.extend(self.audit_answers(&found).await);
        }

        findings
    }

    async fn audit_dead_letters(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for queue in QUEUES {
            let dead = format!("{queue}.dead");
            let depth = self.broker.depth(&dead).await;
            if depth.is_none_or(|depth| depth.events > 0) {
                findings.push(finding(Kind::DeadLetter, format!("{dead}: {depth:?}")));
            }
        }

        findings
    }

    /// Whether posts are what was answered.
    fn audit_history(&self, posts: &Copies) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut strays: Vec<_> = posts.iter().collect();
        for written in &self.history {
            let is_of = |(id, post): &(&String, &Copy)| match &written.told {
                Some(told) => told.id == **id,
                None => post.content == written.draft.content,
            };
            let there = strays.iter().position(is_of).map(|at| strays.remove(at));
            let content = there.map(|(_, post)| post.content.as_str());
            if !written.fits(content) {
                findings.push(finding(Kind::Lost, format!("{content:?} of {written:?}")));
            }
        }
        let strays = strays
            .iter()
            .map(|stray| finding(Kind::Stray, format!("{stray:?}")));
        findings.extend(strays);

        findings
    }

    /// Whether the files that were uploaded say who shows them.
    async fn audit_files(&self, posts: &[Document]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let media = all(&self.media.collection("media"), doc! {}).await;
        let media: BTreeMap<_, _> = media.iter().map(|file| (id(file), file)).collect();
        for written in &self.history {
            for file in written.texts.iter().flat_map(|text| &text.files) {
                let mut shown_by = posts
                    .iter()
                    .filter(|post| ids(post, "mediaIds").contains(file));
                let shown_by: Vec<_> = shown_by.by_ref().map(id).collect();
                let known = media.get(file).map(|file| {
                    let is_unclaimed = file.contains_key("unclaimedSince");
                    (texts(file, "posts"), is_unclaimed)
                });
                let is_right = match &known {
                    Some((posts, is_unclaimed)) => {
                        *posts == shown_by && *is_unclaimed == shown_by.is_empty()
                    }
                    None => shown_by.is_empty(),
                };
                if !is_right {
                    let noted = all(&self.media.collection("posts"), doc! {}).await;
                    let what = format!(
                        "{file} is shown by {shown_by:?}, and media has {known:?}, because of {noted:?}"
                    );
                    findings.push(finding(Kind::Claim, what));
                }
            }
            let left = written
                .gone_files
                .iter()
                .filter(|file| media.contains_key(*file));
            findings.extend(left.map(|file| finding(Kind::Orphan, file.clone())));
        }

        findings
    }

    /// Whether search answers what it has.
    async fn audit_answers(&mut self, copies: &Copies) -> Vec<Finding> {
        let texts = self.history.iter().flat_map(|written| &written.texts);
        let texts: Vec<_> = texts.cloned().collect();
        let mut findings = Vec::new();
        for text in texts {
            let expected = copies
                .iter()
                .filter(|(_, copy)| copy.content == text.content);
            let expected: Vec<_> = expected.map(|(id, _)| id.as_str()).collect();
            let answer = self.search(&text.word).await;
            let answer = answer.as_array().expect("a list");
            let found: Vec<_> = answer
                .iter()
                .filter_map(|hit| hit["postId"].as_str())
                .collect();
            if found != expected {
                let what = format!("{} is found in {found:?}, not {expected:?}", text.word);
                findings.push(finding(Kind::Unfound, what));
            }
        }

        findings
    }
}

/// What search has otherwise than the posts are.
fn differences(posts: &Copies, found: &Copies) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, post) in posts {
        match found.get(id) {
            None => findings.push(finding(Kind::Missing, format!("{id}, {post:?}"))),
            Some(copy) if copy != post => {
                let what = format!("{id}, {copy:?} instead of {post:?}");
                findings.push(finding(Kind::Stale, what));
            }
            Some(_) => {}
        }
    }
    let ghosts = found.iter().filter(|(id, _)| !posts.contains_key(*id));
    findings.extend(ghosts.map(|ghost| finding(Kind::Ghost, format!("{ghost:?}"))));

    findings
}

fn finding(kind: Kind, what: String) -> Finding {
    Finding { kind, what }
}

async fn all(collection: &Collection<Document>, filter: Document) -> Vec<Document> {
    let found = collection.find(filter).await.expect("an answer");

    found.try_collect().await.expect("an answer")
}

fn copies(documents: &[Document]) -> Copies {
    let copy = |document: &Document| Copy {
        version: document.get_i64("version").expect("a version"),
        content: document.get_str("content").expect("a text").to_owned(),
    };

    documents
        .iter()
        .map(|document| (id(document), copy(document)))
        .collect()
}

fn id(document: &Document) -> String {
    document.get_object_id("_id").expect("an id").to_hex()
}

fn ids(document: &Document, name: &str) -> Vec<String> {
    let ids = document.get_array(name).expect("ids").iter();
    ids.filter_map(|id| Some(id.as_object_id()?.to_hex()))
        .collect()
}

/// None when there is no such field.
fn texts(document: &Document, name: &str) -> Vec<String> {
    let texts = document.get_array(name).into_iter().flatten();
    texts
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}
