//! What other platforms and checkers send, word for word (sections 2.1 and 4 of what is known of them).

mod cloud_controller;
mod eden;
mod korifi;
mod kubernetes;
mod osb_checker;

use promfetch_tests::Broker;
use promfetch_tests::osb::Call;

/// The status of the answer.
async fn send(broker: &Broker, call: Call) -> u16 {
    broker.send(call).await.status
}
