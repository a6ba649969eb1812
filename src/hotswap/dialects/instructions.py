"""What a model is told that is to go on with another one's answer, in the caller's language.

It is the user who says so, after the answer as far as it came: the system prompt, and with it the
voice of the answer, stays the caller's.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

GO_ON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": (
            "Your last message was cut off by a technical fault. Write only what is missing, "
            "beginning with the very next character: no greeting, no repetition, no remark on the "
            "interruption. Keep language, formatting, open lists and open code blocks. If nothing "
            "is missing, write nothing."
        ),
        "de": (
            "Deine letzte Nachricht wurde durch einen technischen Fehler abgeschnitten. Schreibe "
            "nur, was fehlt, vom nächsten Zeichen an: keine Begrüßung, keine Wiederholung, kein "
            "Wort zur Unterbrechung. Behalte Sprache, Formatierung, offene Listen und offene "
            "Codeblöcke bei. Fehlt nichts, schreibe nichts."
        ),
        "fr": (
            "Ton dernier message a été coupé par un incident technique. Écris seulement ce qui "
            "manque, à partir du tout prochain caractère : ni salutation, ni répétition, ni "
            "remarque sur l'interruption. Garde la langue, la mise en forme, les listes et les "
            "blocs de code ouverts. S'il ne manque rien, n'écris rien."
        ),
        "es": (
            "Tu último mensaje se cortó por un fallo técnico. Escribe solo lo que falta, desde el "
            "carácter siguiente: sin saludo, sin repetir, sin comentar la interrupción. Conserva "
            "el idioma, el formato, las listas y los bloques de código abiertos. Si no falta nada, "
            "no escribas nada."
        ),
        "pt": (
            "A sua última mensagem foi cortada por uma falha técnica. Escreva apenas o que falta, "
            "a partir do caractere seguinte: sem saudação, sem repetição, sem comentar a "
            "interrupção. Mantenha o idioma, a formatação, as listas e os blocos de código "
            "abertos. Se nada falta, não escreva nada."
        ),
        "it": (
            "Il tuo ultimo messaggio è stato interrotto da un guasto tecnico. Scrivi solo ciò che "
            "manca, a partire dal carattere successivo: nessun saluto, nessuna ripetizione, nessun "
            "commento sull'interruzione. Mantieni lingua, formattazione, elenchi e blocchi di "
            "codice aperti. Se non manca nulla, non scrivere nulla."
        ),
        "nl": (
            "Je laatste bericht is door een technische storing afgebroken. Schrijf alleen wat "
            "ontbreekt, vanaf het eerstvolgende teken: geen begroeting, geen herhaling, geen "
            "opmerking over de onderbreking. Behoud taal, opmaak, open lijsten en open "
            "codeblokken. Ontbreekt er niets, schrijf dan niets."
        ),
        "pl": (
            "Twoja ostatnia wiadomość została ucięta przez usterkę techniczną. Napisz tylko to, "
            "czego brakuje, od następnego znaku: bez powitania, bez powtórzeń, bez uwag o "
            "przerwie. Zachowaj język, formatowanie, otwarte listy i bloki kodu. Jeśli niczego nie "
            "brakuje, nie pisz nic."
        ),
        "sv": (
            "Ditt senaste meddelande bröts av ett tekniskt fel. Skriv bara det som saknas, från "
            "och med nästa tecken: ingen hälsning, ingen upprepning, ingen kommentar om avbrottet. "
            "Behåll språk, formatering, öppna listor och kodblock. Om inget saknas, skriv inget."
        ),
        "da": (
            "Din seneste besked blev afbrudt af en teknisk fejl. Skriv kun det, der mangler, fra "
            "næste tegn: ingen hilsen, ingen gentagelse, ingen bemærkning om afbrydelsen. Behold "
            "sprog, formatering, åbne lister og kodeblokke. Mangler der intet, så skriv intet."
        ),
        "cs": (
            "Tvoje poslední zpráva byla přerušena technickou závadou. Napiš jen to, co chybí, od "
            "následujícího znaku: žádný pozdrav, žádné opakování, žádnou poznámku o přerušení. "
            "Zachovej jazyk, formátování, otevřené seznamy a bloky kódu. Pokud nic nechybí, nepiš "
            "nic."
        ),
        "fi": (
            "Viimeisin viestisi katkesi teknisen vian vuoksi. Kirjoita vain se, mikä puuttuu, "
            "heti seuraavasta merkistä: ei tervehdystä, ei toistoa, ei huomautusta katkoksesta. "
            "Säilytä kieli, muotoilu, avoimet luettelot ja koodilohkot. Jos mitään ei puutu, älä "
            "kirjoita mitään."
        ),
        "tr": (
            "Son mesajın teknik bir arıza nedeniyle kesildi. Yalnızca eksik olanı, bir sonraki "
            "karakterden başlayarak yaz: selamlama, tekrar, kesintiyle ilgili açıklama olmasın. "
            "Dili, biçimi, açık listeleri ve kod bloklarını koru. Eksik bir şey yoksa hiçbir şey "
            "yazma."
        ),
        "id": (
            "Pesan terakhirmu terpotong karena gangguan teknis. Tulis hanya bagian yang hilang, "
            "mulai dari karakter berikutnya: tanpa salam, tanpa pengulangan, tanpa komentar "
            "tentang gangguan itu. Pertahankan bahasa, format, daftar, dan blok kode yang terbuka. "
            "Jika tidak ada yang hilang, jangan tulis apa pun."
        ),
        "vi": (
            "Tin nhắn cuối của bạn bị ngắt do sự cố kỹ thuật. Chỉ viết phần còn thiếu, bắt đầu từ "
            "ký tự kế tiếp: không chào hỏi, không lặp lại, không nhắc đến sự cố. Giữ nguyên ngôn "
            "ngữ, định dạng, danh sách và khối mã đang mở. Nếu không thiếu gì thì không viết gì."
        ),
        "ru": (
            "Твоё последнее сообщение оборвалось из-за технического сбоя. Напиши только "
            "недостающее, начиная со следующего символа: без приветствия, без повторов, без слов о "
            "сбое. Сохрани язык, оформление, открытые списки и блоки кода. Если ничего не "
            "пропущено, не пиши ничего."
        ),
        "uk": (
            "Твоє останнє повідомлення обірвалося через технічний збій. Напиши лише те, чого "
            "бракує, починаючи з наступного символу: без привітання, без повторів, без слів про "
            "збій. Збережи мову, оформлення, відкриті списки та блоки коду. Якщо нічого не "
            "бракує, не пиши нічого."
        ),
        "el": (
            "Το τελευταίο σου μήνυμα κόπηκε από τεχνική βλάβη. Γράψε μόνο ό,τι λείπει, από τον "
            "αμέσως επόμενο χαρακτήρα: χωρίς χαιρετισμό, χωρίς επανάληψη, χωρίς σχόλιο για τη "
            "διακοπή. Κράτησε τη γλώσσα, τη μορφή, τις ανοιχτές λίστες και τα μπλοκ κώδικα. Αν δεν "
            "λείπει τίποτα, μη γράψεις τίποτα."
        ),
        "ar": (
            "انقطعت رسالتك الأخيرة بسبب خلل تقني. اكتب ما ينقص فقط، بدءًا من الحرف التالي مباشرة: "
            "بلا تحية ولا تكرار ولا تعليق على الانقطاع. حافظ على اللغة والتنسيق والقوائم وكتل "
            "الشيفرة المفتوحة. إن لم ينقص شيء فلا تكتب شيئًا."
        ),
        "he": (
            "ההודעה האחרונה שלך נקטעה בגלל תקלה טכנית. כתוב רק את מה שחסר, מהתו הבא ממש: בלי "
            "ברכה, בלי חזרה, בלי הערה על ההפסקה. שמור על השפה, העיצוב, הרשימות ובלוקי הקוד "
            "הפתוחים. אם לא חסר דבר, אל תכתוב דבר."
        ),
        "hi": (
            "आपका पिछला संदेश तकनीकी खराबी से कट गया। केवल वही लिखें जो छूट गया है, ठीक अगले अक्षर से: "
            "न अभिवादन, न दोहराव, न रुकावट पर टिप्पणी। भाषा, प्रारूप, खुली सूचियाँ और कोड ब्लॉक "
            "वैसे ही रखें। यदि कुछ नहीं छूटा है, तो कुछ न लिखें।"
        ),
        "th": (
            "ข้อความล่าสุดของคุณถูกตัดเพราะข้อขัดข้องทางเทคนิค เขียนเฉพาะส่วนที่ขาด โดยเริ่มจากอักขระถัดไป "
            "ไม่ทักทาย ไม่พูดซ้ำ ไม่กล่าวถึงการขัดข้อง คงภาษา รูปแบบ รายการ และบล็อกโค้ดที่เปิดอยู่ไว้ "
            "หากไม่มีอะไรขาด ไม่ต้องเขียนอะไร"
        ),
        "zh": (
            "你上一条消息因技术故障中断了。请只写缺少的部分，从紧接着的下一个字符开始：不要问候，不要重复，"
            "不要提及中断。保持语言、格式、未结束的列表和代码块。如果没有缺少内容，就什么都不要写。"
        ),
        "ja": (
            "直前のメッセージは技術的な障害で途切れました。足りない部分だけを、次の文字から書いてください。"
            "挨拶、繰り返し、中断への言及は不要です。言語、書式、途中のリストやコードブロックはそのまま続けて"
            "ください。足りないものがなければ、何も書かないでください。"
        ),
        "ko": (
            "마지막 메시지가 기술적 오류로 끊겼습니다. 빠진 부분만 바로 다음 글자부터 쓰세요. "
            "인사, 반복, 중단에 대한 언급은 하지 마세요. 언어, 서식, 열린 목록과 코드 블록을 "
            "그대로 유지하세요. 빠진 것이 없으면 아무것도 쓰지 마세요."
        ),
    }
)
"""By the code of the language; English where no other is known."""
