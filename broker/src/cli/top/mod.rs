//! `promfetch top`: the apps that fail and the slowest, as long as one looks.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::running::Server;
use super::{Failure, Outcome, ask, block_on, print, progress};
use crate::config::Config;

mod terminal;
mod view;

use terminal::Screen;
use view::{Platform, Rates};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Watch the failing and the slowest apps
///
/// Asks a running promfetch for `/v1/platform` again and again, and shows the table's sources, the
/// apps with instances that give no metrics, and the slowest ones. Ctrl-C ends it. Where standard
/// output is no terminal, the tables are printed once.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  promfetch top
  promfetch top --url https://promfetch.example.org --login operator --interval 5
  promfetch top --once --limit 50"
)]
pub(super) struct Arguments {
    /// Where promfetch listens.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8085")]
    url: String,
    /// Log in with what is in this file, `NAME:PASSWORD` of an operator; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    login: Option<PathBuf>,
    /// Do not check the server's certificate.
    #[arg(short = 'k', long)]
    insecure: bool,
    /// Time between two looks.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = ask::seconds)]
    interval: Duration,
    /// Print the tables once.
    #[arg(long)]
    once: bool,
    /// Most apps in each table; on a terminal as many as fit.
    #[arg(long, value_name = "N", default_value = "20")]
    limit: usize,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    ask::log(&Config::default(), false);
    block_on(async {
        let login = arguments.login.as_deref();
        let server = Server::new(&arguments.url, login, arguments.insecure, PATIENCE)?;
        let what = format!("waiting for {}", arguments.url);
        let first = progress::wait(&what, look(&server)).await?;
        if arguments.once || !terminal::is_there() {
            let width = terminal::size().map(|size| size.columns);
            let lines = first.lines(&arguments.url, &Rates::default(), width, arguments.limit);
            return Ok(print(lines.into_iter().map(|line| line + "\n"))?);
        }
        watch(arguments, &server, first).await
    })
}

/// One look.
async fn look(server: &Server) -> Result<Platform, Failure> {
    let request = server.get(server.base.url("/v1/platform", &[]));
    let (status, answer) = server.json(request).await?;
    if status == 200 {
        return serde_json::from_value(answer)
            .map_err(|error| Failure::failed(format!("the answer cannot be read: {error}")));
    }
    let detail = answer["detail"].as_str().unwrap_or_default();
    let detail: String = detail.chars().filter(|char| !char.is_control()).collect();
    let way_out = match status {
        401 | 403 => "\ngive an operator's login with `--login FILE`",
        404 => "\nis it an older promfetch?",
        _ => "",
    };
    Err(Failure::failed(format!("{status} {detail}{way_out}")))
}

/// Looks again and again, until somebody has seen enough.
async fn watch(arguments: &Arguments, server: &Server, first: Platform) -> Outcome {
    // Before the terminal changes: a signal in between would leave it so.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut screen = Screen::open()?;
    let mut shown = first;
    let mut rates = Rates::default();
    let mut seen = Instant::now();
    let mut problem: Option<String> = None;
    let mut ticks = tokio::time::interval_at(seen + arguments.interval, arguments.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        draw(&mut screen, arguments, &shown, &rates, problem.as_deref())?;
        let next = async {
            ticks.tick().await;
            look(server).await
        };
        tokio::select! {
            _ = interrupted.recv() => return Ok(()),
            _ = terminated.recv() => return Ok(()),
            // What is under way is asked anew.
            _ = resized.recv() => {}
            looked = next => match looked {
                Ok(platform) => {
                    let now = Instant::now();
                    rates = Rates::between(&shown, &platform, now - seen);
                    (shown, seen, problem) = (platform, now, None);
                }
                Err(failure) => {
                    let ago = super::table::time(seen.elapsed().as_secs_f64());
                    let why = failure.message.lines().next().unwrap_or_default();
                    problem = Some(format!("NO ANSWER, what you see is {ago} old: {why}"));
                }
            },
        }
    }
}

fn draw(
    screen: &mut Screen,
    arguments: &Arguments,
    platform: &Platform,
    rates: &Rates,
    problem: Option<&str>,
) -> io::Result<()> {
    let size = terminal::size().unwrap_or_default();
    // Six lines stand around the two tables, and one is left for each source.
    let room = size.rows.saturating_sub(8 + platform.sources()) / 2;
    let limit = arguments.limit.min(room.max(1));
    let mut lines = platform.lines(&arguments.url, rates, Some(size.columns), limit);
    if let Some(problem) = problem {
        lines.insert(0, super::table::fit(problem, Some(size.columns)));
    }
    lines.truncate(size.rows);
    screen.show(&lines)
}
