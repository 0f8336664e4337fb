// Calls every operation of the document with a client that was generated from it.

import { checkFixtures, checkSurprises } from "./fixtures.js";
import { tour } from "./tour.js";

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

const fixtures = await checkFixtures(setting("FIXTURES"));
const surprises = await checkSurprises(setting("FIXTURES"));
const { operations, errors, pages, bytes } = await tour(setting("INFRAI_BASE_URL"), setting("INFRAI_API_KEY"));
console.log(
  `typescript: ${operations} operations, ${errors} errors, ${pages} pages, 1 clip of ${bytes} bytes, ` +
    `${fixtures} fixtures, ${surprises} surprises`,
);
