//! `copy`: everything to another storage, and whether it is the same there.

use user_streams::{Streams, maintenance::Copied};

use crate::{
    failure::{End, Failure},
    feed,
    flags::Copy,
    output::{self, Output},
    progress::Progress,
    session::Session,
    settings,
};

/// How many of the users who differ are named in the message.
const NAMED: usize = 10;

/// The streams of one feed on both sides.
struct Pair {
    name: Option<String>,
    from: Streams,
    to: Streams,
}

pub(super) async fn run(flags: &Copy, session: &Session) -> Result<(), Failure> {
    let from = session.connect_to(settings::side(session.flags(), &flags.from)?).await?;
    let to = session.connect_to(settings::side(session.flags(), &flags.to)?).await?;
    let pairs = pairs(&from, &to)?;
    let mut output = Output::stdout();
    if !flags.verify_only {
        to.migrate().await?;
        for pair in &pairs {
            let Copied { users, items, added, .. } = copy(pair, session).await?;
            let of = prefix(pair);
            output.line(format_args!("{of}{users} users, {items} items, {added} added"))?;
            output.flush()?;
        }
    }
    if flags.verify || flags.verify_only {
        session.if_interrupted("run it again with --verify-only");
        let differences = verify(&pairs, session, &mut output).await?;
        if !differences.is_empty() {
            let message = format!(
                "the two sides are different: {}; copy again, or delete what one side alone has",
                differences.join("; ")
            );
            return Err(Failure::new(End::Different, message));
        }
    }
    output.end()
}

/// The main streams, and the feeds that are declared on both sides, which have to be the same.
fn pairs(from: &Streams, to: &Streams) -> Result<Vec<Pair>, Failure> {
    let (ours, mut theirs) = (feed::all(from)?, feed::all(to)?);
    let mut pairs = Vec::new();
    for (name, from) in ours {
        let Some(at) = theirs.iter().position(|(other, _)| *other == name) else {
            let name = name.unwrap_or_default();
            let message = format!("the feed {name} is declared by `feeds` of the old side alone");
            return Err(Failure::usage(message));
        };
        let (_, to) = theirs.swap_remove(at);
        pairs.push(Pair { name, from, to });
    }
    Ok(pairs)
}

fn prefix(pair: &Pair) -> String {
    pair.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default()
}

async fn copy(pair: &Pair, session: &Session) -> Result<Copied, Failure> {
    let mut progress = Progress::new(session, "items", None);
    let notes = session.notes();
    notes.if_interrupted("run the same command again to complete it");
    let of = prefix(pair);
    let copy = pair.from.copy_to(&pair.to).on_progress(move |so_far| {
        progress.update(so_far.items, so_far.items);
        notes.if_interrupted(format!(
            "{of}{} users are copied; run the same command again to complete it: what is there \
             already stays as it is",
            so_far.users
        ));
    });
    Ok(copy.await?)
}

/// What is different, in words.
async fn verify(
    pairs: &[Pair],
    session: &Session,
    output: &mut Output,
) -> Result<Vec<String>, Failure> {
    let mut differences = Vec::new();
    for pair in pairs {
        let mut progress = Progress::new(session, "items compared", None);
        let verify = pair.from.verify_copy(&pair.to);
        let found =
            verify.on_progress(move |so_far| progress.update(so_far.items, so_far.items)).await?;
        let of = prefix(pair);
        output.line(format_args!("{of}{} users, {} items compared", found.users, found.items))?;
        if found.different > 0 {
            let named: Vec<_> = found.named.iter().take(NAMED).map(output::user).collect();
            let more = if found.different > named.len() as u64 { ", …" } else { "" };
            let named = named.join(", ");
            differences.push(format!("{of}{} users ({named}{more})", found.different));
        }
        if found.beside > 0 {
            let beside = found.beside;
            differences.push(format!("{of}{beside} streams of audiences and of what is hidden"));
        }
    }
    output.flush()?;
    Ok(differences)
}
