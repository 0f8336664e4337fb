//! The question before a large charge.

use crate::args::SpendingArgs;
use crate::context::Context;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::money::Usd;
use crate::ui::{Consent, ask_yes_or_no};

/// The default of [`ask_above`].
const ASK_ABOVE: Usd = Usd::from_micros(5_000_000);

/// The estimated cost above which the user is asked.
pub(crate) fn ask_above(ctx: &Context) -> Usd {
    let configured = ctx.config.get(|settings| &settings.ask_above_usd);
    configured.and_then(|dollars| Usd::from_dollars(*dollars)).unwrap_or(ASK_ABOVE)
}

/// Asks before a charge above the threshold. Without a terminal nothing is asked. `what` says what it is for, such as `10 clips`.
pub(crate) async fn ask_if_large(
    ctx: &Context,
    options: &SpendingArgs,
    cost: Usd,
    what: &str,
) -> Result<(), Failure> {
    if cost <= ask_above(ctx) || options.yes {
        return Ok(());
    }
    if !ctx.output.is_interactive {
        let note = format!(
            "{what} may cost {cost} USD; nothing is asked without a terminal, and --max-usd sets a limit"
        );
        ctx.output.important("note", &note);
        return Ok(());
    }
    ask(ctx, &format!("{what} may cost {cost} USD")).await
}

/// Asks whether to continue in spite of a fact.
pub(super) async fn ask(ctx: &Context, fact: &str) -> Result<(), Failure> {
    let mut question = format!("{fact}. Continue?");
    question[..1].make_ascii_uppercase();
    let exit = match ask_yes_or_no(&ctx.output, &question, &mut ctx.signals()?).await {
        Consent::Yes => return Ok(()),
        Consent::No => Exit::Other,
        Consent::Interrupted(signal) => signal.exit(),
    };
    // After a refusal there is nothing to do next.
    Err(Failure::new(exit, "nothing was sent").with_label("stopped"))
}
