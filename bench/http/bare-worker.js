/** The baseline on Workers: a pass-through, nothing looked at. */
export default {
  fetch(request, { PROVIDER }) {
    const url = new URL(request.url);
    return fetch(PROVIDER + url.pathname + url.search, request);
  },
};
