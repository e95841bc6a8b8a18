"""Find the branch that a written name means: exactly, by a safe alias, or only as a suggestion."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from rapidfuzz import fuzz, process

SUGGESTION_SCORE_MIN = 60
# A hostile file may hold a new wrong name in every row; only so many get a suggestion.
SUGGESTIONS_MAX = 300
CACHE_MAX = 5000

_CHINESE_DIGITS = "零一二三四五六七八九"
_PARTY = re.compile("^(?:中国共产党|中共)")
_UPPER_SUFFIX = "(?:党工委|工作委员会|工委|党委|党组|委员会|委)?"
_UPPER_ENDING = re.compile("(?:委组织部|组织部|党工委|工作委员会|工委|党委|党组|委员会)$")
_GENERAL = re.compile("(?:党总支部?委员会|党总支部|党总支|总支部委员会|总支部|总支)$")
_BRANCH = re.compile("(?:党支部委员会|支部委员会|党支部)$")
_QUOTES = re.compile("[\\s\"'“”‘’《》<>.,、。·_\\-]")


@dataclass(frozen=True, slots=True)
class Branch:
    """An organisation that members may belong to; ancestors' names go from the root down."""

    organization_id: UUID
    name: str
    ancestor_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BranchMatch:
    """The one branch meant; `is_alias` when it was written in another way than its name."""

    branch: Branch
    is_alias: bool


@dataclass(frozen=True, slots=True)
class BranchSuggestion:
    """No branch is meant beyond doubt; `names` are the likely ones, for a person to confirm."""

    names: tuple[str, ...]
    is_ambiguous: bool = False


class BranchNames:
    """The branches that an import may fill, ready to be looked up by written names."""

    def __init__(self, branches: Iterable[Branch]) -> None:
        self._by_name: dict[str, list[Branch]] = defaultdict(list)
        self._by_key: dict[str, list[Branch]] = defaultdict(list)
        for branch in branches:
            self._by_name[_unify(branch.name)].append(branch)
            self._by_key[_key(branch.name)].append(branch)
        self._cores = {key: _core(key) for key in self._by_key}
        self._cache: dict[str, BranchMatch | BranchSuggestion] = {}
        self._suggestions_left = SUGGESTIONS_MAX

    def resolve(self, written: str) -> BranchMatch | BranchSuggestion:
        """The branch meant by `written`, else what it may have meant; never a silent guess."""
        found = self._cache.get(written)
        if found is None:
            found = self._resolve(written)
            if len(self._cache) < CACHE_MAX:
                self._cache[written] = found
        return found

    def _resolve(self, written: str) -> BranchMatch | BranchSuggestion:
        text = _unify(written)
        named = self._by_name.get(text, [])
        if named:
            return _one_of(named, is_alias=False)
        key = _key(text)
        for start in range(len(key)):
            candidates = [
                branch
                for branch in self._by_key.get(key[start:], ())
                if _is_upper_prefix(key[:start], branch.ancestor_names)
            ]
            if candidates:
                # The full official name, upper bodies included, is as good as the short one.
                exact = [b for b in candidates if text.endswith(_unify(b.name))]
                return _one_of(exact or candidates, is_alias=not exact)
        return self._suggest(key)

    def _suggest(self, key: str) -> BranchSuggestion:
        core = _core(key)
        if not core or self._suggestions_left <= 0:
            return BranchSuggestion(())
        self._suggestions_left -= 1
        best = process.extract(
            core, self._cores, scorer=fuzz.ratio, score_cutoff=SUGGESTION_SCORE_MIN, limit=3
        ) or process.extract(
            core,
            self._cores,
            scorer=fuzz.partial_ratio,
            score_cutoff=SUGGESTION_SCORE_MIN + 20,
            limit=3,
        )
        # Branches that are equally like it are all named, lest the first one look like a fact.
        equal = [key for _, score, key in best if score == best[0][1]]
        return BranchSuggestion(tuple(n for key in equal for n in _names(self._by_key[key])))


def _one_of(branches: Sequence[Branch], *, is_alias: bool) -> BranchMatch | BranchSuggestion:
    if len(branches) == 1:
        return BranchMatch(branches[0], is_alias)
    return BranchSuggestion(_names(branches), is_ambiguous=True)


def _names(branches: Sequence[Branch]) -> tuple[str, ...]:
    if len(branches) == 1:
        return (branches[0].name,)
    return tuple("".join((*b.ancestor_names[-1:], b.name)) for b in branches[:3])


def _unify(name: str) -> str:
    visible = "".join(char for char in name if unicodedata.category(char) != "Cf")
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", visible))


def _key(name: str) -> str:
    """What different spellings of one branch name have in common."""
    text = _PARTY.sub("", _QUOTES.sub("", _unify(name))).casefold()
    text = re.sub(r"第(\d{1,2})(?=党?(?:总支|支部))", lambda m: "第" + _chinese(m.group(1)), text)
    return _BRANCH.sub("支部", _GENERAL.sub("总支", text))


def _chinese(digits: str) -> str:
    tens, ones = divmod(int(digits), 10)
    if tens == 0:
        return _CHINESE_DIGITS[ones]
    head = "十" if tens == 1 else _CHINESE_DIGITS[tens] + "十"
    return head + (_CHINESE_DIGITS[ones] if ones else "")


def _core(key: str) -> str:
    return key.removesuffix("支部").removesuffix("总支")


def _is_upper_prefix(prefix: str, ancestor_names: Sequence[str]) -> bool:
    """Whether `prefix` is made of names of the branch's own upper bodies and nothing else."""
    if not prefix:
        return True
    bases = sorted({base for name in ancestor_names for base in _upper_bases(name)}, key=len)
    if not bases:
        return False
    words = "|".join(re.escape(base) for base in reversed(bases))
    # Atomic: one body may be read in two ways, and a long run of it in exponentially many.
    return re.fullmatch(f"(?>(?:中共)?(?:{words}){_UPPER_SUFFIX})+", prefix) is not None


def _upper_bases(name: str) -> set[str]:
    key = _PARTY.sub("", _QUOTES.sub("", _unify(name))).casefold()
    return {key, _UPPER_ENDING.sub("", key)} - {""}
