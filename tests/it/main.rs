//! promfetch as a whole, on real parts: one behaviour a file.

// One URL answers the metrics of all instances of an app that registered on NATS.
mod scrape;
// Targets for Prometheus: the list, and who reads it.
mod sd;
// A real Prometheus keeps scraping while instances and NATS fail.
mod prometheus;
// Real exporters are app instances like any other.
mod exporters;
// NATS with TLS and client certificates, as cf-deployment runs it.
mod nats_tls;
// NATS as a cluster of which one server dies.
mod nats_cluster;
// NATS goes away and comes back: nothing is forgotten meanwhile.
mod nats_outage;
// Instances without heartbeats go; unregistered ones at once.
mod ageing;
// The routing table is polled from gorouters, which fail in their own ways.
mod gorouter;
// Routing tables of a real gorouter, by poll and by the messages that made them.
mod route_tables;
// Names with slashes, percent signs, quotes and any Unicode.
mod names;
// Routes with paths and wildcards are looked up as gorouter does.
mod routes;
// A rolling deployment: two instances of one index.
mod rolling;
// Apps with several ports are one target per instance.
mod ports;
// Process types other than `web`.
mod processes;
// Every way in which an instance can fail, and its reason.
mod faults;
// An instance that closes idle connections is not down.
mod idle;
// One deadline for the whole page.
mod deadline;
// What callers are told when there is no page.
mod errors;
// Readiness: 503 before the table is complete, never 404.
mod readiness;
// The variants of the page: `only-app-metrics`, `/v2`, `metric_path`.
mod variants;
// The list of instances, and the page of one; what is told of apps that are not there.
mod instances;
// Families and samples as JSON, and the state of the platform.
mod browse;
// Which redirects are followed.
mod redirects;
// Headers that instances get, and the caller's `Authorization`.
mod headers;
// External exporters, asked once per app with parameters of the app.
mod external;
// Pages are compressed for callers and decompressed from instances.
mod encoding;
// OpenMetrics in and out.
mod openmetrics;
// Every format in, every format out, read back by other parsers.
mod formats;
mod order;
// Conflicts between instances: HELP, TYPE, labels, reserved names.
mod conflicts;
mod corpus;
// Equal requests share one fetch; a caller that hangs up ends it.
mod sharing;
// Targets behind Unix sockets.
mod sockets;
// Instances over TLS, mutual TLS and HTTP/2.
mod tls;
// Everything is closed that is not meant to be open.
mod guard;
// The API over HTTPS, with a certificate that changes.
mod https;
// Stopping without losing an answer.
mod drain;
// Wrong configurations: all errors at once, before a port opens.
mod check_config;
// Configuration files of promfetcher start promfetch unchanged.
mod old_config;
// The demo shows what it promises.
mod demo;
// The command line without a server.
mod cli;
// Why an app is not there, what fails, and targets, on the command line.
mod explain;
// Passwords of operators become hashes, and no terminal shows them.
mod hash_password;
// promfetch's own metrics, under promfetcher's names.
mod own_metrics;
// Call metrics: at an address of their own, under the ECS agent's names, and of real agents.
mod calls;
// Messages that mean harm cost only themselves.
mod hostile;
// The store of the service broker, on all its databases.
mod store;
// Who may read what, and which login reaches whom.
mod access;
// People sign in with a browser.
mod sign_in;
// Bindings in effect: whose, from when on, in which process, and with which database away.
mod bindings;
// The Open Service Broker, as its specification and real platforms have it.
mod broker;
// libpromfetch, the C library.
mod ffi;
// The plugin of Nomad's autoscaler.
mod nomad;
// Its PromQL is Prometheus'.
mod promql;
// Others' plugins of Nomad's autoscaler, run by `promfetch-nomad-apm host`.
mod nomad_host;
// Weave Scope: apps shown in it, and its plugins for promfetch.
mod scope;
// Docker: a managed plugin, by hand and with a real dockerd.
mod docker;
// The BOSH release and all that deploys.
mod bosh;
// What README says works.
mod readme;
// The documentation in the binary: what it says works, and it needs nobody else.
mod doc;
// The pages that show apps, as a browser without scripts sees them.
mod explorer;
// The pages in a real browser.
mod browser;
