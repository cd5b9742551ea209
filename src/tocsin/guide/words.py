"""The vocabulary of guides: tables of words, no rules. A new phrase is a row here."""

from __future__ import annotations

NUMBER_WORDS: dict[str, float] = {
    "half an": 0.5, "half a": 0.5, "half": 0.5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "twenty-four": 24, "thirty": 30,
    "forty-eight": 48, "forty-five": 45, "sixty": 60, "ninety": 90, "an": 1, "a": 1,
}  # fmt: skip

# The order matters: the longest spelling of a unit comes first. A single letter counts only right after a digit.
UNIT_SECONDS: tuple[tuple[str, int], ...] = (
    (r"seconds?|secs?|s|секунд\w*|segundos?|sekunden?|秒", 1),
    (r"minutes?|mins?\.?|m|분|минут\w*|мин\.?|minutos?|minuten?|minuti|minuut|minuten|menit|phút|分钟|分鐘|分", 60),
    (r"hours?|hrs?\.?|h|시간|час\w*|horas?|stunden?|std\.?|heures?|ore|uur|jam|giờ|个?小时|個?小時|時間", 3600),
    (r"(?:calendar\s+)?days?|d|일|дн\w*|день|d[ií]as?|tage?n?|jours?|giorni|giorno|dagen|hari|ngày|天|日", 86400),
    (r"weeks?|wks?\.?|w|주일|주|недел\w*|semanas?|wochen?|semaines?|minggu|tuần|周|週間", 604800),
    (r"months?|mos?\.?|개월|месяц\w*|mes(?:es)?|mês|monaten?|monate?|mois", 30 * 86400),
    (r"quarters?", 91 * 86400),
    (r"years?|yrs?\.?|년|год\w*|a[nñ]os?|jahren?|jahre?|ans?\b", 365 * 86400),
)
UNITS = (
    r"(?:calendar\s+)?(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|wks?|months?|quarters?|years?|yrs?)(?![\w])"
    r"|(?<=\d)[smhdw](?![^\W\d])|(?<=\d\s)[hd](?![\w])"
    r"|секунд\w*|минут\w*|мин\.?(?!\w)|час\w*|дн\w*|день|недел\w*|месяц\w*"
    r"|(?:segundos?|minutos?|horas?|d[ií]as?|semanas?|meses|minuten|stunden?|std\.?|tage?n?|wochen?|monate?n?|heures?|jours?|semaines?|minuti|minuut|ore|uur|giorni|giorno|dagen|menit|jam|hari|minggu|phút|giờ|ngày|tuần)(?![\w])"
    r"|분|시간|일(?!반)|주일|주(?!요)|개월|分钟|分鐘|分(?!析|布|配|散|离|级|類|类)|个?小时|個?小時|時間|天|日(?!志|誌|常|程|报)|周|秒"
)

NEXT_BUSINESS_DAY = (
    r"nächste[rnms]?\s(?:werktag|arbeitstag|geschäftstag)|(?:siguiente|próximo)\sd[ií]a\s(?:hábil|laborable|útil)|prochain\sjour\souvré|hari\skerja\sberikutnya|ngày\slàm\sviệc\stiếp\stheo|giorno\slavorativo\ssuccessivo"
    r"|следующ\w+\sрабоч\w+\sд\w+|다음\s?영업일|익영업일|下一?[个個]?工作日|次工作日|翌営業日"
)
BUSINESS_DAYS = (
    r"(?:werktag|arbeitstag)(?:en?)?|dias?\s(?:[uú]til|[uú]teis)|d[ií]as?\s(?:h[aá]bil(?:es)?|laborables?|laboral(?:es)?)|jours?\souvr[eé]s?|hari\skerja|ngày\slàm\sviệc|werkdag(?:en)?|giorn[oi]\slavorativ[oi]"
    r"|рабоч\w+\sд\w+|个?工作日|営業日|영업일"
)
BUSINESS_HOURS = (
    r"heures?\souvr[eé]e?s?|(?:h|hrs?\.?|horas?)\s(?:h[aá]bil(?:es)?|laborables?|laboral(?:es)?|[uú]teis|comerciais)|arbeitsstunden?|geschäftsstunden?|jam\skerja"
    r"|giờ\slàm\sviệc|ore\slavorative|рабоч\w+\sчас\w*|个?工作小时|営業時間|영업시간"
)

# "1 hora (hor. comercial)": working hours beside a span, in the languages whose units are known.
OFFICE_HOURS = (
    r"\bhor(?:[aá]rio|\.|as)?\s(?:comercia(?:l|is)|laboral(?:es)?|laborables?|h[aá]bil(?:es)?|[uú]teis|de\s(?:oficina|expediente|trabajo|trabalho))|\bexpediente\b|\bheures?\s(?:de\sbureau|ouvr)"
    r"|\b(?:geschäfts|büro|arbeits|dienst)zeit(?:en)?\b|рабоч\w+\s(?:врем\w+|час\w*)|orario\s(?:d'ufficio|lavorativo)|工作时间|上班时间|営業時間|業務時間|平日|업무\s?시간|근무\s?시간"
)

INTERVAL_WORDS: dict[str, tuple[int, int]] = {
    "half-hourly": (1800, 0), "hourly": (3600, 0), "twice daily": (43200, 0), "twice a day": (43200, 0), "daily": (86400, 0),
    "bi-weekly": (1209600, 0), "biweekly": (1209600, 0), "fortnightly": (1209600, 0), "weekly": (604800, 0),
    "monthly": (2592000, 1), "bi-monthly": (5184000, 2), "quarterly": (7862400, 3), "semi-annually": (15724800, 6),
    "semiannually": (15724800, 6), "biannually": (15724800, 6), "bi-annually": (15724800, 6), "twice a year": (15724800, 6),
    "annually": (31536000, 12), "annual": (31536000, 12), "yearly": (31536000, 12), "ежедневно": (86400, 0),
    "еженедельно": (604800, 0), "täglich": (86400, 0), "stündlich": (3600, 0), "wöchentlich": (604800, 0),
    "quotidien": (86400, 0), "каждый час": (3600, 0), "每小时": (3600, 0), "每天": (86400, 0), "每日": (86400, 0), "毎日": (86400, 0), "diario": (86400, 0), "diariamente": (86400, 0), "매일": (86400, 0),
}  # fmt: skip

IMMEDIATE = r"\bimmediate(?:ly)?\b|\binstant(?:ly|aneous)?\b|\bright\s+away\b|즉시|немедленн\w*|\binmediat\w+|\bimediat\w+|\bsofort\b|\bunverzüglich\b|立即|即時|即座|即刻|直ちに|马上"

MILESTONE = (
    r"\b(?:within\s+(?:the\s+)?)?(?:next|current|this|following|upcoming)\s+(?:(?:planned|scheduled|regular|available)\s+)*"
    r"(?:sprint\s+planning|release\s+cycle|maintenance\s+window|planning\s+cycle|sprint|release|iteration|work\s+block|tuning\s+window|eval\s+cycle|planning\s+cycle|release\s+cycle|maintenance\s+window"
    r"|maintenance|deployment|deploy|cycle|milestone|version|sprint\s+planning|standup|stand-up|planning|window|week|month|quarter|retro(?:spective)?)\b"
    r"|(?:siguiente|próxim[oa]|nächste[rsn]?|prochaine?|следующ\w+|다음|下一?[个個]?)\s*(?:sprint|release|it[ée]ration|спринт|релиз|스프린트|배포|릴리스|版本|迭代)|\bsprint\s+(?:berikutnya|tiếp\s+theo)"
    r"|\bbacklog\b|\b(?:\d{1,2}|one|an?|two|three)\s+(?:sprints?|releases?|iterations?)\b"
)

NONE_WORDS = frozenset({
    "none", "n/a", "na", "no sla", "no target", "none required", "not applicable", "no commitment", "no", "not required",
    "no deadline", "нет", "없음", "ninguno", "nenhum", "keine",
})  # fmt: skip
NEGATED = r"(?:no|not|non|without|never)\b(?!\s+(?:later|more|longer|less|m[aá]ximo)\b)"
PLACEHOLDER = r"(?:\[[^\]]*\]|<[a-z][^>]*>|_+|x+|\?+)?\s*(?:minutes?|mins?|hours?|hrs?|business days?|days?)|tb[dac]\.?|to be (?:defined|determined|decided|confirmed)|todo|\?+|x+|\[[^\]]*\]|<[a-z][^>]*>|\{\{?[^}]*\}?\}|_+|\.\.\.|…"
QUALITATIVE = (
    r"as\s+needed|as\s+required|real[\s-]?time|\bhours\b|\bscheduled?\b|asap|as\s+soon\s+as|best[\s-]effort|when\s+possible"
    r"|time\s+permits|variable|ongoing|continuous|\bhighest\b|prompt|urgent|session|reasonable|opportunistic|on\s+demand|as\s+capacity"
)
# Words beside "immediate" that make it a statement about working time rather than the number 0.
TIME_WORDS = frozenset(
    {"within", "session", "during", "hours", "days", "business", "working", "shift", "after", "before", "until"}
)

# Words that may stand around a quantity in a cell or field without changing it.
_FILLERS = """a ack acknowledge acknowledged acknowledgement acknowledgment aim alert all an and approximately are as at be
 begin begins by cadence comms communication communications deadline detection digest elapsed email engage engagement
 de do em every expected external first fix for frequency from goal hour hours in incident initial internal
 investigation is least limit max maximum mean median minimum mitigate mitigation must notification objective of on
 once only or-less page per post posted provide regular report reports resolution resolve resolved respond
 resolução resolucao resolución resolucion résolution behebung reaktion response responses resposta respuesta restoration restore rto sent sla slas stakeholder stakeholders start status summary target
 target: team the time timeline times to total triage typically update updates usually we will window with within work
 响应 回应 内 以内 解决 恢复 处理 初步 응답 대응 이내 해결 対応 解決"""
FILLERS = frozenset(_FILLERS.split())

# Words of other languages that a heading about escalation, a level, a person and a refusal are known by.
FOREIGN_ESCALATION = (
    r"eskalation|eskalasi|escalami|escalonam|escalad[ao]|escalado|escalaç|эскалац|エスカレーション|에스컬레이션|上报"
    r"|(?:问题|事件|告警|故障)升级|升级(?:流程|路径|机制|策略|矩阵|链|联系)"
)
ESCALATION = rf"escalat|chain of command|{FOREIGN_ESCALATION}"
LEVEL_WORDS = r"stufe|eskalationsstufe|ebene|nivel|nível|niveau|livello|уровень|tingkat|cấp"
PEOPLE = (
    r"bereitschaft|leiter|leitung|führung|vorstand|ingenier|guardia|l[ií]der|director|gerente|jef[ea]\b|responsable|astreinte|ingénieur|directeur|direct(?:ion|rice)\b"
    r"|équipe|equip[oe]|plantão|engenheir|coorden|técnic|reperibil|responsabile|дежурн|инженер|тимлид|руковод|директор|менеджер|разработ|команд|администратор"
    r"|值班|工程师|负责人|经理|总监|主管|团队|担当|責任者|部長|マネージャ|담당|엔지니어|팀장|관리자"
)
FOREIGN_NEGATIVE = (
    r"\b(?:kein\w*|nicht|ohne|sin|sem|n[aã]o|нет|не|без|pas|aucune?|sans|senza|tidak|không)\b"
    r"|未|没有|無|无|없|않"
)
FOREIGN_AFTER = r"\b(?:después\s+de|depois\s+de|após|nach|après|dopo|через|после|setelah|sau)\b"
NEGATIVE = rf"\b(?:no|not|never|un\w+|without|fails?|cannot|(?:ca|is|does|do|did|has|have|was|wo|are)n['’]t|non)\b|{FOREIGN_NEGATIVE}"
