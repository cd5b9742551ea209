"""Which clock a label names, and the clocks that a clause of a sentence sets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from tocsin.core.policy import Deadline
from tocsin.guide.inline import CACHED_CHARS, CACHED_LINES, plain
from tocsin.guide.parties import PARTY
from tocsin.guide.quantity import MILESTONES, Quantity, deadline, normalise, read, scan
from tocsin.guide.words import FILLERS

# The first pattern that matches the whole label wins. "respond" and "resolve" are the two every guide knows;
# the others are kept under their own names (`Severity.clocks`), or are cadences and duties.
_TAIL = r"(?:\s*(?:time|times|sla|slas|target|targets|within|window|goal|deadline|expectations?|objectives?|by|limit|timeline|timeframe|max|slo|commitment|requirement|required|goals?))*"
_CLOCKS: tuple[tuple[str, str], ...] = (
    ("acknowledge", rf"(?:(?:time|sla|target)\s+(?:to|for)\s+|target\s+|sla\s+|initial\s+|first\s+)?(?:ack(?:nowledge(?:ment|d)?|nowledgment|s)?|tta|mtta|acknowledge\s+within){_TAIL}|acuse(?:\s+de\s+recibo)?|confirmaci[oó]n|bestätigung|подтверждение|确认(?:时间)?|확인(?:\s*시간)?"),
    ("first_update", rf"(?:first|initial)\s+(?:status\s+)?(?:update|communication|comms?|notification){_TAIL}"),
    ("contain", rf"(?:time\s+to\s+)?contain(?:ment)?{_TAIL}"),
    ("mitigate", rf"(?:time\s+to\s+|target\s+)?(?:mitigat(?:e|ion)|workaround|(?:temporary|interim)\s+(?:fix|solution)|stabiliz(?:e|ation)){_TAIL}"),
    ("respond", rf"(?:time\s+to\s+|target\s+|initial\s+|first\s+|max(?:imum)?\.?\s+|incident\s+|expected\s+|required\s+)*(?:respon(?:se|d)|reaction|engage(?:ment)?){_TAIL}|(?:sla|required|on-?call|(?:tier|level|l)\s?1)\s+response{_TAIL}|(?:target\s+|initial\s+)*triage\s+(?:time|target|sla)s?"
                r"|response\s+urgency|время\s+(?:реакции|реагирования|ответа)|реакция|(?:tiempo|tempo)\s+de\s+(?:reacci[oó]n|reação|atenci[oó]n|atendimento)|tiempo\s+de\s+respuesta|tempo\s+de\s+resposta"
                r"|(?:sla|prazo|plazo)\s+(?:de\s+)?(?:resposta|respuesta)|(?:primeir[oa]|primer[ao]?)\s+(?:resposta|respuesta|atendimento|atenci[oó]n)|(?:tempo|tiempo)\s+(?:de\s+)?(?:resposta|respuesta)\s+(?:alvo|máximo|objetivo|esperado|inicial)|resposta|respuesta|reação|응답\s*시간|대응\s*시간|대응|reaktion(?:szeit|sziel|sfrist)|erstreaktion(?:szeit)?|antwortzeit|première\s+réponse|(?:temps|délai|delai)\s+de\s+(?:réponse|réaction|prise\s+en\s+charge)|prise\s+en\s+charge|respons(?:\s+awal)?|waktu\s+(?:respons|tanggap)|thời\s+gian\s+phản\s+hồi|phản\s+hồi|tempo\s+di\s+risposta|reactietijd|响应时间|応答時間"),
    ("resolve", rf"(?:time\s+to\s+|target\s+|expected\s+|full\s+|max(?:imum)?\.?\s+|sla\s+|required\s+|incident\s+)*(?:resol(?:ve|ution|ved)|(?:permanent\s+)?fix|(?:service\s+)?restor(?:e|ation)(?:\s+(?:of\s+)?service)?|recovery\s+(?:time|target)(?:\s+objective)?|rto(?:\s+(?:cible|objectif|objetivo|alvo|ziel|máximo))?){_TAIL}"
                r"|target\s+resolution|время\s+(?:решения|восстановления|устранения)|решение|tiempo\s+de\s+resolución|tempo\s+de\s+resolução"
                r"|(?:sla|prazo|plazo)\s+(?:de\s+)?(?:resolução|resolución)|resol(?:ução|ución)(?:\s+(?:target|alvo|meta|objetivo|máxima))?|(?:behebung|wiederherstellung|entstör(?:ung)?|lösung)s?(?:zeit|ziel|frist)|해결\s*(?:시간|목표)|복구\s*(?:시간|목표)|(?:temps|délai|delai)\s+de\s+résolution(?:\s+cible)?|résolution(?:\s+cible)?|waktu\s+(?:penyelesaian|pemulihan)|(?:thời\s+gian\s+)?(?:khắc\s+phục|xử\s+lý)|tempo\s+di\s+risoluzione|oplostijd"),
    ("cadence", r"(?:subsequent|ongoing|recurring|periodic|follow-?\s?up)\s+(?:status\s+|customer\s+|internal\s+)?(?:updates?|comms|communications?)(?:\s+every)?|(?:status\s+|follow-?\s?up\s+|stakeholder\s+|customer\s+|internal\s+|external\s+|communications?\s+|comms?\s+|reporting\s+|slack\s+|status\s+page\s+)*"
                r"(?:updates?|comms?|communications?|notifications?|reporting)?\s*(?:freq(?:uency)?\.?|cadence|interval|every|rhythm|schedule)"
                r"|updates?\s+every|частота\s+обновлений|fréquence(?:\s+(?:des?\s+)?mises?\s+à\s+jour)?|frecuencia(?:\s+de\s+actualizaci(?:ón|ones))?|frequência(?:\s+de\s+atualizaç(?:ão|ões))?|(?:aktualisierungs|update-?\s?)?(?:frequenz|intervall|rhythmus)|更新频率|更新頻度|업데이트\s*(?:주기|빈도)"),
    ("updates", r"обновлени[ея](?:\s+статуса)?|mises?\s+à\s+jour|aktualisierung(?:en)?|更新|アップデート|업데이트|(?:status\s+|stakeholder\s+|customer\s+|progress\s+|internal\s+|external\s+|executive\s+|page\s+|slack\s+|team\s+)*updates?(?:\s+(?:slos?|slas?|targets?))?|communications?|comms|(?:atualização|actualización|atualizações|actualizaciones)(?:\s+(?:ao|do|de|al|del|a|para)\s+(?:o\s+|los\s+)?\w+)?"),
    ("escalate", r"(?:when\s+to\s+)?(?:auto[-\s]?)?escalat(?:e|es|ion|ed)(?:\s+(?:after|time|timer|timeout|if|to|path|interval|target|deadline|within|limit|sla|window))*|эскалация"),
    ("notify", r"notif(?:y|ication|ications|ied)(?:\s+(?:who|list|target|targets|required|method))?|who(?:\s+(?:is\s+)?notified)?|alert(?:s|ing)?\s+(?:who|to)|stakeholders?|page"),
    ("review", r"(?:post[-\s]?mortem|postmortem|pir|rca|review|retrospective|post[-\s]?incident(?:\s+review)?|root\s+cause(?:\s+analysis)?)(?:\s+(?:due|within|deadline|required|time))*"),
    ("description", r"(?:description|definition|(?:(?:initial|entry|trigger)\s+)?criteria|impact|meaning|scope|summary|what|when(?:\s+to\s+use)?|details?|symptoms?|condition|indicators?|user\s+impact|business\s+impact|описание|определение|설명|정의|descripción|descrição|beschreibung|bedeutung|qué\s+es|significado|crit[eé]rios?(?:\s+inicia(?:l|is|les))?|kriterien|définition|signification|definisi|định\s+nghĩa|definizione)"),
    ("examples", r"(?:examples?|typical\s+(?:examples?|incidents?)|e\.?g\.?|scenarios?|примеры?|예시|예|ejemplos?|exemplos?|beispiele?|exemples?|contoh|ví\s+dụ(?:\s+cụ\s+thể)?|esempi)"),
    ("name", r"(?:name|label|title|severity\s+name|level\s+name|classification|название|이름)"),
    ("sla", r"(?:sla|target|time|timeframe|time\s*frame|timeline|deadline|within|urgency|target\s+time|slo)"),
)  # fmt: skip
_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in _CLOCKS)


def folded(text: str) -> str:
    """The text without the accents of Latin letters: "Resolucao" and "Resolução" are one word to who types in haste."""
    return unicodedata.normalize("NFC", re.sub(r"[\u0300-\u0309\u030a-\u036f]", "", unicodedata.normalize("NFD", text)))


_FOLDED = tuple((name, re.compile(folded(pattern))) for name, pattern in _CLOCKS)
# Chinese, Japanese and Korean headers are one word: "首次响应目标" is the target of the first response.
_HAN = (
    (
        "respond",
        re.compile(
            r"(?:首次|初次|初期|目标|初动)?(?:响应|回应|應變|回應|応答|対応|初動|응답|대응)\s*(?:时间|時間|目标|目標|时限|時限|시간|목표|sla)*"
        ),
    ),
    (
        "resolve",
        re.compile(
            r"(?:目标)?(?:解决|恢复|修复|处理|处置|處理|解決|復旧|復旧目標|처리|복구|해결)\s*(?:时间|時間|目标|目標|时限|時限|시간|목표|sla)*"
        ),
    ),
)
_HAN_OTHER = (
    ("description", re.compile(r"(?:判据|判定标准|判断标准|标准|定义|定義|描述|说明|說明|含义|影响|影響|影响范围|条件|内容|内容説明|基準|判断基準)(?:\s*\(.*\))?")),
    ("examples", re.compile(r"(?:示例|例子|举例|典型场景|具体例|例)")),
    ("name", re.compile(r"名称|名稱|名前")),
)  # fmt: skip
_UNIT_IN_HEAD = re.compile(r"\(\s*(minutes?|mins?|hours?|hrs?|days?|seconds?)\s*\)", re.I)
_OFF_HOURS = re.compile(  # "24 hours (next business day if outside hours)": the other case of the same limit
    r"\s*\([^()]{0,60}\bif\s+(?:it\s+is\s+)?(?:outside|out\s+of|after|off)[\s-]*(?:(?:business|working|office|core)\s+)?hours\)\s*$",
    re.I,
)
_BUSINESS_HEAD = re.compile(r"\(\s*(?:business|working)\s+hours?\s*\)", re.I)
_BY_HOUR = re.compile(  # "< 30 min, business hours; < 2 hours, off-hours": neither limit always holds
    r"\b(?:business|working|office)[\s-]+hours\b.{0,40}\b(?:after|off|out[\s-]of|outside)[\s-]*(?:business[\s-]+|working[\s-]+)?hours\b",
    re.I,
)
# "15 minutes during the launch, 60 minutes afterwards": which of the two holds depends on when
_AT_OTHER_TIMES = re.compile(
    r"\b(?:afterwards?|otherwise|thereafter|(?:off|after|out[\s-]of)[\s-]*(?:\w+\s+)?hours|outside|weekends?|overnight|at night)\b",
    re.I,
)
_CLAUSE = re.compile(
    r"\s+and\s+(?=(?:we\s+|to\s+|then\s+)?(?:acknowledg|respon|resol|fix|restor|mitigat|contain|post|send|updat|notif)\w*)|\.\s+|[;|\n；，。、]|,\s+|\s[-–—]+\s|\s/\s|[()（）]|\.$"
)
_SUBJECT = re.compile(
    r"status\s*page|customer|update|notif|stakeholder|email|post-?mortem|review|report|escalat|page\b|executive|manage|partner|client|monitor",
    re.I,
)
_HAN_CHAR = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_HAN_SPOKEN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("acknowledge", re.compile(r"确认|確認|확인")),
    ("respond", re.compile(r"响应|響應|回应|应答|応答|対応開始|초기 ?대응|응답|대응")),
    ("resolve", re.compile(r"解决|解決|恢复|恢復|修复|修復|复旧|復旧|해결|복구")),
    ("mitigate", re.compile(r"缓解|止损|緩和|완화")),
)
_HAN_FILLERS = re.compile(
    r"时间|時間|时限|時限|目标|目標|服务|服務|业务|首次|初次|初步|开始|完成|必须|需要|需|须|应|在|之内|以内|内|に|を|する|します|まで|시간|목표|이내|내에|까지|sla",
    re.I,
)
_COMMAND = re.compile(r"(?:acknowledge|respond|engage|resolve|mitigate|contain|fix|restore)\b")
_WHO_MUST = re.compile(
    r"^[\w\s-]{1,40}:\s+(?:must|should|shall)\s+|^(?:(?:the|an?)\s+)?(?:[\w-]+\s+){0,3}?(?:engineers?|on-?call|teams?|responders?|leads?|persons?|somebody|someone|staff)\s+(?:must|should|shall|will|has\s+to|have\s+to|to)\s+"
)
_AT_ONCE = frozenset(
    {"immediate", "immediately", "instant", "page", "paged", "call", "hands", "deck", "pager", "oncall"}
)
_EITHER = re.compile(r"\b(?:mitigat\w+ or resolv\w+|resolv\w+ or mitigat\w+)\b", re.I)
_SPOKEN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("acknowledge", re.compile(r"\back(?:nowledge(?:d|ment)?|nowledgment)?\b", re.I)),
    (
        "resolve",
        re.compile(
            r"\bresol(?:ve|ved|ution)\b|\bfix(?:ed)?\b|\brestor(?:e|ed|ation)\b|\brto\b|\bresolu(?:ção|cao|ción|cion)\b|\brésolution\b|\bbehebung\b",
            re.I,
        ),
    ),
    ("mitigate", re.compile(r"\bmitigat\w*\b", re.I)),
    ("contain", re.compile(r"\bcontain(?:ed|ment)?\b", re.I)),
    (
        "respond",
        re.compile(r"\brespon(?:se|d|ds)\b|\bengage\b|\breaktion(?:szeit)?\b|\bresposta\b|\brespuesta\b", re.I),
    ),
)


def clock_of(label: str) -> str:
    """The clock or column a label names, or "" for another thing."""
    return _short_clock(label) if len(label) <= CACHED_CHARS else _clock_of(label)


@lru_cache(maxsize=CACHED_LINES)
def _short_clock(label: str) -> str:
    return _clock_of(label)


def _clock_of(label: str) -> str:
    text = plain(label).casefold()
    if re.search(
        r"\((?:after|off|out[\s-]of|outside)[\s-]*(?:business\s+|working\s+|office\s+)?hours?\)|\((?:nights?|weekends?).{0,20}\)",
        text,
    ):
        return ""  # what holds at night is another column's clock
    found = _named(re.sub(r"\([^()]{0,60}\)", " ", text))
    if found in ("", "sla"):  # "SLA (Response)"
        inside = next((name for aside in re.findall(r"\(([^()]{1,60})\)", text) if (name := _named(aside))), "")
        return inside if inside in ("respond", "resolve", "acknowledge", "cadence") else found
    return found


def _named(text: str) -> str:
    words = " ".join(re.sub(r"[^\w\s./-]", " ", text.strip(" :.*-?")).split())
    if " / " in words and len({name for part in words.split(" / ") if (name := _named(part))}) == 1:
        return next(name for part in words.split(" / ") if (name := _named(part)))  # "Respond / act"
    for spelt in dict.fromkeys((words, words.replace("-", " "))):  # "Status-update SLO"
        if found := next((name for name, pattern in _COMPILED if pattern.fullmatch(spelt)), ""):
            return found
    if found := next((name for name, pattern in (*_HAN, *_HAN_OTHER) if pattern.fullmatch(words)), ""):
        return found
    return next((name for name, pattern in _FOLDED if pattern.fullmatch(folded(words))), "")


def context_clock(title: str) -> str:
    """The clock that a list under this heading sets, such as "Response Time SLAs"; "" where the heading names none."""
    words = plain(title).casefold()
    if re.fullmatch(r"(?:initial|first)\s+(?:status\s+)?(?:updates?|communications?|notifications?)", words):
        return "first_update"
    if re.fullmatch(r"(?:(?:alert|incident|page|initial)\s+)?acknowledge?ments?", words):
        return "acknowledge"
    if re.search(
        r"communicat|notif|\bteam\b|procedure|process|plan|playbook|templates?|checklist|phases?|steps|protocol", words
    ):
        return ""
    if re.search(
        r"\brespon(?:se|d)(?:e)?\b.{0,12}\b(?:times?|slas?|targets?|expectations?|objectives?|goals?|windows?)|\bresponse slas?\b",
        words,
    ):
        return "respond"
    if re.search(
        r"\b(?:délais?|temps)\s+de\s+(?:réponse|réaction)|\b(?:tiempos?|tempos?)\s+de\s+(?:respuesta|resposta|reacci[oó]n)|reaktionszeit|время\s+реакции",
        words,
    ):
        return "respond"
    if re.search(r"\bresol(?:ution|ve)\b.{0,12}\b(?:times?|slas?|targets?|goals?|objectives?)", words):
        return "resolve"
    if re.search(r"\back(?:nowledge(?:ment)?|nowledgment)?\b.{0,12}\b(?:times?|slas?|targets?)", words):
        return "acknowledge"
    return ""


def cell(value: str, header: str) -> Quantity | None:
    """The quantity of a cell under its header: "15" under "Response (minutes)" is 15 minutes."""
    words = _OFF_HOURS.sub("", plain(value))
    unit = _UNIT_IN_HEAD.search(header)
    if unit and re.fullmatch(r"\s*[<≤~]?\s*\d{1,5}\s*", words):
        words = f"{words} {unit[1]}"
    if _BUSINESS_HEAD.search(header):
        words = f"{words} (business hours)"
    quantity = read(words) or _before_han(words) or _by_whom(words)
    if quantity is not None and _says_how(quantity, words, header):
        return None
    if quantity is not None and re.search(r"\bstatus\s*page\b", words, re.I) and not re.search(r"[;,]", words):
        return None  # when the page says something is not when somebody responds
    told = [
        clause
        for clause in re.split(r"[;,]", words)
        if scan(clause) and _SUBJECT.search(re.sub(r"^\s*page\b", " ", clause, flags=re.I))
    ]
    if quantity is not None and told and len(told[0]) < len(words):
        return (
            None  # "page on-call; status page within 30 min" says when customers are told, not when somebody responds
        )
    return quantity


def _says_how(quantity: Quantity, words: str, header: str) -> bool:
    """Whether a cell under a bare "Response" says what is done and not how soon: "Immediate lead and containment"."""
    if not re.fullmatch(r"\W*respon(?:se|ds?)(?:\s+(?:goals?|expectations?|objectives?))?\W*", plain(header), re.I):
        return False
    if quantity.kind == "milestone":
        return quantity.value == "backlog"
    if quantity.kind == "qualitative":
        return not re.search(r"best[\s-]effort|asap|as soon as|when possible|time permits", words, re.I)
    strange = set(re.findall(r"[^\W\d_]{3,}", re.sub(r"\([^()]*\)", " ", words.casefold()))) - FILLERS - _AT_ONCE
    return quantity.value == 0 and len(strange) > 1


def _by_whom(words: str) -> Quantity | None:
    """`primary on-call within 5 min`: the limit of a cell that says who has to meet it."""
    found = re.fullmatch(r"([\w\s-]{3,40}?)\s+(within\s+.{2,30}|\([^()]{2,30}\))", words)
    return (
        read(found[2])
        if found and PARTY.search(found[1]) and not re.search(r"notif|updat|escalat|page", found[1])
        else None
    )


def _before_han(words: str) -> Quantity | None:
    """A limit at the front of a cell without spaces between its words: "10 分钟内确认负责人"."""
    found = scan(words)
    if len(found) != 1 or found[0].start > 1 or found[0].kind == "interval":
        return None
    rest = normalise(words)[found[0].end :]
    if (
        not rest
        or re.search(r"[\d,;，；、]|[不无無没未外]|或|または|또는", rest)
        or not re.fullmatch(r"[\s\u3040-\u9fff\uac00-\ud7af]+", rest)
    ):
        return None
    return found[0]


def _commanded(clause: str) -> Quantity | None:
    """`Resolve or downgrade to a ticket within 24 hours`: the verb at the front, the one limit at the end."""
    words = normalise(clause).strip(" .:")
    found = scan(words)
    if (
        len(found) != 1
        or found[0].bound != "<="
        or not re.fullmatch(r"\s*(?:as an? (?:target|goal))?", words[found[0].end :])
    ):
        return None
    lead = _WHO_MUST.sub("", words[: found[0].start])
    if not _COMMAND.match(lead) or re.search(r"\b(?:if|when|unless|after|not|no|every|each|cannot|can't)\b", lead):
        return None
    return found[0]


def clauses(text: str) -> Iterator[tuple[str, Deadline]]:
    """(clock, deadline) of every clause that says one clock and one quantity and nothing else of weight."""
    parts = [part for part in _CLAUSE.split(plain(text)[:2000]) if part]
    if _BY_HOUR.search(text) or any(_AT_OTHER_TIMES.search(part) and scan(part) for part in parts[1:]):
        return
    for clause in parts:
        if not (scan(clause) or MILESTONES.search(clause)) or _SUBJECT.search(clause):
            continue
        if _HAN_CHAR.search(clause):
            yield from _in_han(clause)
            continue
        label, _, value = clause.partition(":")
        if value and (kind := clock_of(label)) in ("respond", "resolve", "acknowledge") and (limit := read(value)):
            due = deadline(limit) if limit.kind not in ("interval", "offset") else None
            yield from [(kind, due)] if due else []
            continue
        spoken = [name for name, pattern in _SPOKEN if pattern.search(_EITHER.sub("resolve", clause))]
        quantity = read(re.sub(r"[:=]", " ", clause)) or _commanded(clause)
        if len(spoken) == 1 and quantity and quantity.kind not in ("interval", "offset"):
            found = deadline(quantity)
            if found:
                yield spoken[0], found


def _in_han(clause: str) -> Iterator[tuple[str, Deadline]]:
    """`15 分钟内响应`, `响应时间: 1 小时`: one clock, one limit, and nothing else of weight."""
    words = normalise(clause).strip(" .:")
    found = [quantity for quantity in scan(words) if quantity.kind not in ("interval", "offset")]
    if len(found) == 2 and found[0].value == 0 and re.fullmatch(r"[\s(]*", words[found[0].end : found[1].start]):
        words, found = words[: found[0].start] + words[found[0].end :], []
        found = [quantity for quantity in scan(words) if quantity.kind not in ("interval", "offset")]
    if len(found) != 1:
        return
    rest = words[: found[0].start] + " " + words[found[0].end :]
    spoken = [name for name, pattern in _HAN_SPOKEN if pattern.search(rest)]
    for _, pattern in _HAN_SPOKEN:
        rest = pattern.sub(" ", rest, count=1)
    limit = deadline(found[0])
    if len(spoken) == 1 and limit is not None and not _HAN_FILLERS.sub("", rest).strip(" .:-()"):
        yield spoken[0], limit


def told_every(text: str) -> Quantity | None:
    """The one interval of a cell that also says other things: "status page within 15 minutes, updates hourly"."""
    found = [
        quantity
        for clause in _CLAUSE.split(plain(text)[:400])
        if re.search(r"\bupdate[sd]?\b", clause or "", re.I)
        for quantity in scan(clause)
        if quantity.kind == "interval"
    ]
    return found[0] if len(found) == 1 else None
