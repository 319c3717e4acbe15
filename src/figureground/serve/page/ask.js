// Asking the server: with the key, again where it is busy, and what it says where it refuses.
export const $ = (id) => document.getElementById(id);

export function headers() {
  return $("key").value ? { Authorization: `Bearer ${$("key").value}` } : {};
}

export async function ask(address, options = {}) {
  for (let tries = 0; ; tries++) {
    const got = await fetch(address, { headers: headers(), ...options });
    if (got.ok) return got;
    if (got.status === 401) $("key-label").hidden = false;
    if (got.status !== 429 || tries === 5) {
      const answer = await got.json().catch(() => ({}));
      throw new Error(answer.error || `the server answered ${got.status}`);
    }
    await wait(Math.min(Number(got.headers.get("Retry-After") || 1), 30));
  }
}

export const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

export function said(error) {
  return error instanceof TypeError ? "the server cannot be reached" : error.message;
}
