// Shows the event stream of the sandbox, and controls it.

import { byId } from "./core.js";
import { setClock } from "./clock.js";
import { setSamples, showCommand } from "./commands.js";
import { showFaults, showScenarios } from "./faults.js";
import { showJobs, start as startJobs } from "./jobs.js";
import { showLedger } from "./ledger.js";
import "./new_job.js";
import { follow, start as startDetails } from "./request_details.js";
import { chosen, showRequests, showRequestsOf } from "./requests.js";
import { hear, select } from "./stream.js";
import { go } from "./tabs.js";

hear("hello", ({ samples, scenarios }) => {
  setSamples(samples);
  showScenarios(scenarios);
  follow();
});
hear("clock", setClock);
hear("jobs", (jobs, isFirst) => {
  showJobs(jobs, isFirst);
  showCommand();
});
hear("ledger", showLedger);
hear("faults", showFaults);
hear("requests", showRequests);

startJobs(showRequestsOf);
startDetails((job) => {
  byId("job-state").value = "";
  byId("job-search").value = job;
  byId("job-search").dispatchEvent(new Event("input", { bubbles: true }));
  go("jobs");
});
select(chosen());
