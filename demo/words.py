"""Words in many scripts for made-up companies, people, projects and tasks. None of them is meant to be real."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language's words; a company is `first second form`, a person `given family`."""

    country: str
    firsts: str
    seconds: str
    form: str
    given: str
    family: str


TONGUES = (
    Tongue(
        "NO",
        "Nordlys Blåbær Ærfugl Østavind Tåkeheimen Fjellrev Skjærgård",
        "Handel Regnskap Bygg Verksted Kaffe Møbler",
        "AS",
        "Åse Bjørn Ingrid Øyvind",
        "Tåkedal Strømnes Blåfjell Ærø",
    ),
    Tongue(
        "DE",
        "Grünspecht Äpfelkern Übermorgen Straßenfuchs Königskerze Nußbaum Möwe",
        "Logistik Werkzeuge Gärten Bäckerei Prüftechnik Töne",
        "GmbH",
        "Jürgen Käthe Sören Änne",
        "Grünwinkel Weißdorn Möwenberg Süßbach",
    ),
    Tongue(
        "FR",
        "Éclaircie Forêt Œillet Brûlerie Hêtre Çédille Noël",
        "Étoffes Mécanique Pâtisserie Réseaux Théâtre Bâtiment",
        "SARL",
        "Zoé François Hélène Loïc",
        "Châtaignier Deslièvres Brûlé Forêtnoire",
    ),
    Tongue(
        "ES",
        "Cigüeña Año Montaña Lámpara Búho Piñón Niebla",
        "Diseño Panadería Cerámica Música Ingeniería Jardín",
        "S.L.",
        "Begoña Íñigo Lucía Ramón",
        "Peñablanca Riofrío Castañar Ordóñez",
    ),
    Tongue(
        "PL",
        "Źródło Żuraw Łąka Świerk Gęś Ćma Wilczyca",
        "Księgowość Narzędzia Podróże Żywność Drewno Usługi",
        "sp. z o.o.",
        "Łucja Zdzisław Małgorzata Święcisław",
        "Żórawski Łąkowa Źdźbło Gęsiorek",
    ),
    Tongue(
        "TR",
        "Işık Çınar Gökyüzü Şelale Üzüm Ağaç Iğdır",
        "Tasarım Gıda Yazılım Mühendislik Çiçekçilik Yayıncılık",
        "A.Ş.",
        "Çağla İlker Şule Oğuz",
        "Gümüşdağ Işıkçı Yıldızay Öztürkmen",
    ),
    Tongue(
        "GR",
        "Θάλασσα Αστέρι Ελιά Αυγή Άνεμος Νήσος Ήλιος",
        "Εμπορική Τεχνική Ναυτιλία Τρόφιμα Ενέργεια Εκδόσεις",
        "Α.Ε.",
        "Ελένη Ιάσων Φοίβη Νίκος",
        "Θαλασσινός Αστεριάδης Ελαιώνα Ανέμης",
    ),
    Tongue(
        "UA",
        "Світанок Їжак Ґрунт Ялинка Хвиля Журавель Єдність",
        "Торгівля Будівництво Меблі Логістика Насіння Друк",
        "ТОВ",
        "Їлина Євген Соломія Юрій",
        "Хвильовий Ґрунтенко Ялинська Щедрий",
    ),
    Tongue(
        "AE",
        "النخلة القمر الواحة الفجر اللؤلؤة الريح السحاب",
        "للتجارة للبناء للتقنية للنقل للأغذية للنشر",
        "ش.م.م",
        "ليلى يوسف مريم طارق",
        "النجمي الواحي القمري البحري",
    ),
    Tongue(
        "IL",
        "שקד ירח מדבר כוכב גלים זית רוח",
        "מסחר בנייה טכנולוגיות הובלה מזון דפוס",
        'בע"מ',
        "נועה איתן תמר יואב",
        "שקדיאל ירחמי גלבוע כוכבי",
    ),
    Tongue(
        "CN",
        "青竹 月光 海风 云雀 白鹭 松林 晨星",
        "贸易 建筑 科技 物流 食品 印刷",
        "有限公司",
        "明月 小雨 建国 晓星",
        "青松 白云 上官 欧阳",
    ),
    Tongue(
        "JP",
        "さくら 月見 海鳥 雪解 すずめ 竹林 ひかり",
        "商事 建設 システム 運輸 食品 印刷",
        "株式会社",
        "はるか 健太 みどり 翔",
        "雪見沢 竹ノ内原 海鳥川 月影",
    ),
    Tongue(
        "KR",
        "달빛 바람 소나무 은하수 참새 새벽 파도",
        "무역 건설 기술 물류 식품 인쇄",
        "주식회사",
        "하늘 지우 별님 바다",
        "솔숲 은하 달무 새벽",
    ),
    Tongue(
        "IN",
        "चाँदनी पवन कमल तारा मोर सागर भोर",
        "व्यापार निर्माण तकनीक परिवहन खाद्य मुद्रण",
        "प्रा. लि.",
        "आशा विक्रम मीरा अर्जुन",
        "कमलवासी पवनपुत्री तारावत मोरवाल",
    ),
    Tongue(
        "TH",
        "แสงจันทร์ สายลม ดอกบัว ทะเล นกน้อย ภูเขา รุ่งอรุณ",
        "การค้า ก่อสร้าง เทคโนโลยี ขนส่ง อาหาร การพิมพ์",
        "จำกัด",
        "มะลิ สมหวัง น้ำฝน ตะวัน",
        "ใจแสง ลมเย็น บัวทอง เขางาม",
    ),
    Tongue(
        "US",
        "🚀Rocket 🌵Cactus 🦊Fox 🧊Iceberg 🪁Kite 🐙Octopus 🍋Lemon",
        "Coffee Bikes Books Robotics Supplies Studio",
        "Inc.",
        "Zoë Renée Chloë Jérôme",
        "O’Marlow St.-Finch D’Ivory Quixfield",
    ),
)

LONG_TAIL = " (formerly the Northern Cooperative for Storage, Transport and Forwarding)"
MAILBOXES = ("post", "office", "hello", "info", "accounts", "desk")
DOMAINS = ("example.org", "example.com", "example.net")
TOPICS = (
    "Ny nettside",
    "Kontorflytting",
    "Årsregnskap",
    "Warehouse scanners",
    "Refonte du catalogue",
    "Übergabe Lager",
    "Μετάφραση εγχειριδίων",
    "Переїзд складу",
    "تحديث الموقع",
    "שדרוג מערכת",
    "仓库改造",
    "展示会の準備",
    "창고 이전",
    "नया पोर्टल",
    "ย้ายสำนักงาน",
    "Product launch 🎉",
)
TASKS = (
    "Clarify what is needed",
    "Hente inn tilbud",
    "Première maquette",
    "Prüfung der Daten",
    "Order the equipment",
    "Συνάντηση έναρξης",
    "Написати посібник",
    "مراجعة العقد",
    "בדיקות קבלה",
    "准备验收",
    "議事録を送る",
    "최종 점검",
    "रिपोर्ट लिखना",
    "ทดสอบระบบ",
    "Train the users",
    "Fakturering",
    "Hand over 🎁",
)
NOTES = (
    "Prefers to be called in the morning.",
    "Invoice by e-mail.\nReference on every order.",
    "Løpende avtale, fornyes i januar.",
    "Livraison : quai n° 3, « sonner deux fois ».",
    "<b>Not</b> HTML & not a formula: =1+1",
)
