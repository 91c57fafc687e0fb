//! The service broker through the program itself. `item N` is a number of the checklist of Open Service Broker API 2.17,
//! whose words the tests use: `spec` is its text, `CC` the Cloud Controller.

// Login, version, and the two identities, on every request.
mod headers;
// Bodies, ids and methods that cannot be served.
mod requests;
// The catalog, as the Cloud Controller's validators want it.
mod catalog;
mod deprovision;
mod provision;
mod update;
// Bindings: of apps, and of nobody.
mod app;
mod bind;
mod credentials;
mod get;
mod last_operation;
mod parameters;
mod rotation;
mod unbind;
// Which path an app is asked for, from bind to unbind.
mod effect;
// The Cloud Controller deletes nothing over an answer to wrong input.
mod verdicts;
// What other platforms and checkers send.
mod clients;
// Ids and texts that databases read in their own ways.
mod ids;
// Many requests at once, and callers that hang up.
mod concurrency;
mod hang_up;
// The database goes away and comes back.
mod outage;
// A database that was promfetcher's.
mod take_over;
