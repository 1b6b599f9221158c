use super::*;
use crate::chaos::journal::Written;
use crate::client::{Post, Session, Tokens};

fn author() -> Session {
    Session {
        user_id: "ada".to_owned(),
        tokens: Tokens {
            access_token: String::new(),
            refresh_token: String::new(),
        },
    }
}

fn post(id: &str, word: &str) -> Post {
    Post {
        id: id.to_owned(),
        user: "ada".to_owned(),
        content: text(word),
        media_ids: Vec::new(),
        created_at: String::new(),
        updated_at: String::new(),
    }
}

/// A journal with one post, `1`, that was acknowledged with the word `new`.
fn journal() -> Journal {
    let mut journal = Journal::of(author());
    let written = Written::new("1".to_owned(), "new".to_owned());
    journal.posts.push(written);

    journal
}

/// How many are lost, ghosts and duplicates.
fn found(journal: &Journal, posts: &[(&str, &str)]) -> [usize; 3] {
    let posts = posts.iter().map(|(id, word)| post(id, word)).collect();
    let findings = Findings::of_posts(std::slice::from_ref(journal), &Truth::of(posts));

    [
        findings.lost.len(),
        findings.ghosts.len(),
        findings.duplicates.len(),
    ]
}

#[test]
fn what_was_acknowledged_has_to_be_there_as_it_was_written() {
    let journal = journal();

    assert_eq!(found(&journal, &[("1", "new")]), [0, 0, 0]);
    assert_eq!(found(&journal, &[]), [1, 0, 0]);
    assert_eq!(found(&journal, &[("1", "old")]), [1, 0, 0]);
}

#[test]
fn an_edit_that_nobody_answered_may_be_there() {
    let mut journal = journal();
    journal.posts[0].maybe.push("edited".to_owned());

    assert_eq!(found(&journal, &[("1", "new")]), [0, 0, 0]);
    assert_eq!(found(&journal, &[("1", "edited")]), [0, 0, 0]);
}

#[test]
fn a_deleted_post_has_to_be_gone() {
    let mut journal = journal();
    journal.posts[0].presence = Presence::Gone;

    assert_eq!(found(&journal, &[]), [0, 0, 0]);
    assert_eq!(found(&journal, &[("1", "new")]), [0, 1, 0]);
}

#[test]
fn a_deletion_that_nobody_answered_leaves_both_open() {
    let mut journal = journal();
    journal.posts[0].presence = Presence::Perhaps;

    assert_eq!(found(&journal, &[]), [0, 0, 0]);
    assert_eq!(found(&journal, &[("1", "new")]), [0, 0, 0]);
    assert_eq!(found(&journal, &[("1", "old")]), [1, 0, 0]);
}

#[test]
fn a_new_post_that_nobody_answered_may_be_there_once() {
    let mut journal = journal();
    journal.maybe.push("maybe".to_owned());
    let new = ("1", "new");

    assert_eq!(found(&journal, &[new, ("2", "maybe")]), [0, 0, 0]);
    assert_eq!(
        found(&journal, &[new, ("2", "maybe"), ("3", "maybe")]),
        [0, 0, 1]
    );
    assert_eq!(found(&journal, &[new, ("2", "other")]), [0, 1, 0]);
}
