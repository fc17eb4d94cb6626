//! The only maker of HTTP clients: trust, proxy, request budget, retry, bearer renewal, request ids, redaction.
//!
//! Knows no Graph and no Halo: what their error bodies mean is told to it by a function of each side. Nothing
//! outside this module names the HTTP library.

mod budget;
mod download;
mod endpoint;
mod error;
mod hook;
mod maker;
mod request;
mod sign_in;
mod text;
mod traffic;
mod transport;
mod tries;
mod trust;

pub use budget::Budget;
pub use endpoint::{Endpoint, EndpointSettings, Explain, Explained};
pub use error::{FailureClass, HttpError, HttpErrorKind};
pub use maker::ClientMaker;
pub use request::{Answer, Reading, Repeat, Request};
pub use sign_in::{
    Authorization, ClientAssertion, ClientCredential, CodeAnswer, ExplainRefusal, Grant, PersonGrant,
    Redeemed, Refusal, RefusalOf, SignIn, SignInSettings, UnusableCredential,
};
pub use text::{html_summary, one_line, percent_encoded};
pub use traffic::{Answers, BudgetLeft, Traffic};
pub use tries::{Failure, Throttling, Tries};
