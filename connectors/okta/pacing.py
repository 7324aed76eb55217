"""When the next call of each kind may go out, learnt from what Okta says of its own limits.

Okta counts the calls of one kind of path in windows, and tells with each answer how many there are
(`X-Rate-Limit-Limit`), how many are left (`-Remaining`) and when the window ends (`-Reset`, epoch
seconds, to be read against the `Date` of the same answer: no clock of ours is asked). Of each
window we take a share and spread it evenly, a few calls ahead at most; what others use up is seen
in what remains. Pure but for its memory: times are given to it, in seconds of a clock that only
rises.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.okta.clock import moment_of

AHEAD = 8.0  # calls that may go out at once before the even spreading begins
LONGEST_PAUSE = 65.0
MARGIN = 1.0  # both times count whole seconds
PROBE_SECONDS = 2.0
A_MOMENT = 0.05
NO_IDS = frozenset({"rules", "me", "assignees"})


def bucket_of(path: str) -> str:
    """Return the kind of a path: itself without its ids and its query.

    Finer than Okta's own buckets, of which not all are published; paths that share one see each
    other in what remains.
    """
    parts = path.partition("?")[0].removeprefix("/api/v1/").strip("/").split("/")
    return "/".join(
        "{}" if place % 2 and part not in NO_IDS else part for place, part in enumerate(parts)
    )


@dataclass(slots=True)
class Bucket:
    """What is known of the limit on one kind of call.

    Attributes:
        limit: Calls a window, or None while it is not known.
        remaining: How many of them are left for anybody.
        reset: When the window ends, by the service's clock; it names the window.
        ends: The same by ours.
        spent: Calls sent by us in it.
        open: Calls sent and not yet answered.
        due: When the next call would be just on time.
        paused: Nothing goes out before.
        asked: When a call was last sent.
        is_silent: Whether the service tells no limits at all.
    """

    limit: int | None = None
    remaining: int = 0
    reset: int = 0
    ends: float = 0.0
    spent: int = 0
    open: int = 0
    due: float = 0.0
    paused: float = 0.0
    asked: float = 0.0
    is_silent: bool = False


@dataclass(slots=True)
class Pacing:
    """The limits of one organisation.

    Attributes:
        share: Which part of each limit is ours, above 0 and at most 1.
        paused: Nothing at all goes out before.
    """

    share: float
    paused: float = 0.0
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def wait(self, name: str, now: float) -> float:
        """Return how many seconds a call of this kind has to wait, or 0 if it may go out.

        Args:
            name: Its bucket.
            now: The time.
        """
        bucket = self._bucket(name)
        if self.is_paused(name, now):
            return max(self.paused, bucket.paused) - now
        if bucket.is_silent:
            return 0.0
        if now >= bucket.ends:  # one asks first what holds now
            is_asking = bucket.open > 0 and now - bucket.asked < PROBE_SECONDS
            return A_MOMENT if is_asking else 0.0
        left = self._left(bucket)
        if left < 1:
            is_used_up = bucket.remaining - bucket.open < 1
            return bucket.ends - now + (MARGIN if is_used_up else 0.0)
        return max(0.0, bucket.due - AHEAD * (bucket.ends - now) / left - now)

    def is_paused(self, name: str, now: float) -> bool:
        """Say whether everybody waits."""
        return max(self.paused, self._bucket(name).paused) > now

    def sent(self, name: str, now: float) -> None:
        """Note that a call goes out."""
        bucket = self._bucket(name)
        left = self._left(bucket) if bucket.limit is not None else 0
        if left >= 1 and now < bucket.ends:
            bucket.due = max(bucket.due, now) + (bucket.ends - now) / left
        bucket.spent += 1
        bucket.open += 1
        bucket.asked = now

    def taken_back(self, name: str) -> None:
        """Note that a call does not go out after all."""
        bucket = self._bucket(name)
        bucket.open -= 1
        bucket.spent -= 1

    def answered(self, name: str, headers: Mapping[str, str] | None, now: float) -> None:
        """Learn from an answer; None if none came."""
        bucket = self._bucket(name)
        bucket.open -= 1
        if headers is None:
            return
        told = _told(headers)
        if told is None:
            bucket.is_silent = bucket.limit is None
            return
        limit, remaining, reset, seconds = told
        if limit == 0 or reset < bucket.reset:  # one on calls at once, or of a window that is over
            return
        if reset > bucket.reset:
            bucket.reset, bucket.remaining, bucket.spent = reset, remaining, bucket.open + 1
            bucket.due = now
            bucket.ends = now + seconds
        elif now >= bucket.ends:
            bucket.ends = now + max(seconds, MARGIN)
        bucket.limit = limit
        bucket.remaining = min(bucket.remaining, remaining)
        bucket.is_silent = False

    def refused(self, name: str, headers: Mapping[str, str], now: float, jitter: float) -> float:
        """Let everybody wait after a 429; return for how long.

        Args:
            name: The bucket of the call.
            headers: Of the answer.
            now: The time.
            jitter: Seconds more.
        """
        pause = until_reset(headers) + jitter
        if headers.get("X-Rate-Limit-Limit") == "0":
            self.paused = max(self.paused, now + pause)
        else:
            bucket = self._bucket(name)
            bucket.paused = max(bucket.paused, now + pause)
        return pause

    def _left(self, bucket: Bucket) -> int:
        ours = max(1, int((bucket.limit or 0) * self.share))
        return min(ours - bucket.spent, bucket.remaining - bucket.open)

    def _bucket(self, name: str) -> Bucket:
        return self._buckets.setdefault(name, Bucket())


def until_reset(headers: Mapping[str, str]) -> float:
    """Return the seconds until a limit is lifted, by the service's own clock.

    A limit of 0 is the one on calls at once: it is lifted as soon as others are answered.
    """
    told = _told(headers)
    if headers.get("X-Rate-Limit-Limit") == "0":
        return 0.5
    return 5.0 if told is None else told[3] + MARGIN


def _told(headers: Mapping[str, str]) -> tuple[int, int, int, float] | None:
    """Return limit, what remains, when the window ends, and in how many seconds that is."""
    answered = moment_of(headers)
    if answered is None:
        return None
    try:
        reset = int(headers["X-Rate-Limit-Reset"])
        seconds = reset - answered.timestamp()
        limit, remaining = (int(headers[f"X-Rate-Limit-{name}"]) for name in ("Limit", "Remaining"))
    except (KeyError, ValueError):
        return None
    return limit, remaining, reset, min(max(seconds, 0.0), LONGEST_PAUSE - MARGIN)
