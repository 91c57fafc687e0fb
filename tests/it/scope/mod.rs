mod report;
mod settings;
mod watch;
