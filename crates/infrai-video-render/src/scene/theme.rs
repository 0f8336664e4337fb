//! Maps the words of a prompt to the theme of a scene. Without a known word, the generator chooses.

use crate::color::{Color, rgb};
use crate::rng::Rng;

/// What the ground looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terrain {
    Meadow,
    Forest,
    Mountains,
    City,
    Ocean,
    Desert,
    Snow,
}

/// When the scene begins; it moves on during the clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Daytime {
    Dawn,
    Day,
    Dusk,
    Night,
}

/// What floats through the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Air {
    Clear,
    Snowfall,
    Rain,
    Petals,
    Leaves,
    Fireflies,
    Lanterns,
}

/// The scene in a few words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Theme {
    pub(crate) terrain: Terrain,
    pub(crate) daytime: Daytime,
    pub(crate) air: Air,
    /// Clouds in the sky, from 0 to about 1.
    pub(crate) clouds: f32,
    /// Mist between the hills, from 0 to 1.
    pub(crate) mist: f32,
    /// Dark clouds, lightning and high waves, from 0 to 1.
    pub(crate) storm: f32,
    /// Northern lights in the sky.
    pub(crate) aurora: bool,
    /// A river from the horizon to the viewer.
    pub(crate) river: bool,
    /// A lighthouse on the coast.
    pub(crate) lighthouse: bool,
    /// A colour that the prompt names.
    pub(crate) tint: Option<Color>,
}

/// Words in small letters, with a space between them; an underscore joins the words of one entry. A word in a script
/// without spaces, such as Chinese, is found inside longer text too.
const TERRAINS: &[(Terrain, &str)] = &[
    (
        Terrain::City,
        "city cities skyline street town tower skyscraper neon cyberpunk tokyo paris york london \
         office 城 街 도시 مدينة город",
    ),
    (
        Terrain::Ocean,
        "ocean sea beach wave coast island boat ship sail lake water whale dolphin surf fish harbor \
         harbour 海 湖 바다 بحر море",
    ),
    (Terrain::Desert, "desert dune sand sahara camel canyon mars cactus 沙 صحراء"),
    (Terrain::Snow, "snow snowy winter ice icy arctic glacier ski polar penguin christmas 雪 冬 ثلج"),
    (
        Terrain::Forest,
        "forest wood woods woodland rainforest grove tree jungle pine fir spruce birch taiga fox deer bear autumn fairy \
         wald forêt bosque 森 林 숲 غابة лес",
    ),
    (
        Terrain::Mountains,
        "mountain alp peak cliff valley volcano hike eagle dragon castle space galaxy planet moon 山 \
         جبل",
    ),
    (
        Terrain::Meadow,
        "meadow field hill grass garden flower farm countryside spring dog cat horse cow sheep rabbit \
         花 草 حديقة",
    ),
];

const DAYTIMES: &[(Daytime, &str)] = &[
    (
        Daytime::Night,
        "night midnight moon moonlit moonlight star starry dark space galaxy planet neon cyberpunk \
         firefly fireflies firework 夜 月 ليل ночь",
    ),
    (Daytime::Dusk, "dusk sunset evening twilight golden romantic autumn 黄昏 夕 غروب"),
    (Daytime::Dawn, "dawn sunrise morning fog foggy mist misty 早 晨 شروق"),
    (Daytime::Day, "day noon afternoon sunny summer bright 昼 نهار"),
];

const AIRS: &[(Air, &str)] = &[
    (Air::Snowfall, "snow snowy snowfall snowflake blizzard christmas 雪 ثلج"),
    (
        Air::Rain,
        "rain rainy storm stormy thunderstorm tempest hurricane typhoon drizzle monsoon 雨 嵐 暴风 مطر дождь",
    ),
    (Air::Petals, "petal cherry blossom sakura spring flower wedding 樱 桜 花"),
    (Air::Leaves, "leaf leaves autumn wind windy 秋"),
    (Air::Fireflies, "firefly fireflies magic magical fairy dream dreamy glow glowing 萤"),
    (Air::Lanterns, "lantern festival balloon celebration birthday firework 灯"),
];

const CLOUDY: &str = "cloud cloudy rain rainy storm stormy overcast sky plane bird 云 雲";
const MISTY: &str = "mist misty fog foggy haze hazy smoke 雾 霧";
const STORMY: &str = "storm stormy thunderstorm thunder lightning tempest hurricane typhoon gale 嵐 暴风 暴風 폭풍 عاصفة \
                      шторм гроза sturm tormenta tempête";
const AURORA: &str = "aurora auroras northern_light polar_light southern_light nordlicht polarlicht 极光 極光 オーロラ \
                      오로라 северное_сияние";
const RIVER: &str = "river stream creek brook rivulet riverside riverbank rapids waterfall fluss río rivière fleuve 河 川 نهر река";
const LIGHTHOUSE: &str = "lighthouse leuchtturm phare faro 灯塔 燈塔 灯台 등대 منارة маяк";

const TINTS: &[(Color, &str)] = &[
    (rgb(214, 52, 48), "red crimson ruby 红 赤"),
    (rgb(240, 128, 40), "orange copper amber"),
    (rgb(244, 196, 62), "yellow gold golden honey 黄 金"),
    (rgb(86, 170, 90), "green emerald lime 绿 緑"),
    (rgb(40, 170, 176), "teal turquoise cyan aqua"),
    (rgb(58, 110, 220), "blue sapphire azure 蓝 青"),
    (rgb(134, 78, 200), "purple violet lavender neon 紫"),
    (rgb(240, 120, 170), "pink rose magenta 粉"),
];

impl Theme {
    /// Reads a prompt.
    pub(crate) fn new(prompt: &str, rng: &mut Rng) -> Self {
        let words = Words::new(prompt);
        // Every choice is drawn, needed or not: a word in the tables changes its own part of the scene and no other.
        let any_terrain = rng.pick(&[
            Terrain::Meadow,
            Terrain::Forest,
            Terrain::Mountains,
            Terrain::City,
            Terrain::Ocean,
            Terrain::Desert,
        ]);
        let any_daytime =
            rng.pick(&[Daytime::Dawn, Daytime::Day, Daytime::Dusk, Daytime::Dusk, Daytime::Night]);
        let any_clouds = rng.range(0.25, 0.8);
        let any_mist = rng.range(0.1, 0.4);
        let (aurora, river, lighthouse) = (words.any(AURORA), words.any(RIVER), words.any(LIGHTHOUSE));
        let storm = if words.any(STORMY) { 1.0 } else { 0.0 };
        let terrain = words.first_of(TERRAINS).unwrap_or(match any_terrain {
            Terrain::City | Terrain::Ocean | Terrain::Desert if river => Terrain::Meadow,
            terrain => terrain,
        });
        let terrain = if lighthouse { Terrain::Ocean } else { terrain };
        let daytime = words.first_of(DAYTIMES).unwrap_or(match any_daytime {
            _ if aurora => Daytime::Night,
            // A beam shows in the dark.
            Daytime::Dawn | Daytime::Day if lighthouse || storm > 0.0 => Daytime::Dusk,
            daytime => daytime,
        });
        let air = words.first_of(AIRS).unwrap_or(match (terrain, daytime) {
            (Terrain::Snow, _) => Air::Snowfall,
            (Terrain::Meadow | Terrain::Forest, Daytime::Night) => Air::Fireflies,
            _ => Air::Clear,
        });
        Self {
            terrain,
            daytime,
            air,
            clouds: if words.any(CLOUDY) { 1.0 } else { any_clouds },
            mist: if words.any(MISTY) { 0.85 } else { any_mist },
            tint: words.first_of(TINTS),
            storm,
            aurora,
            // The sea has water of its own.
            river: river && terrain != Terrain::Ocean,
            lighthouse,
        }
    }
}

/// The words of a prompt in small letters.
struct Words {
    text: String,
    words: Vec<String>,
}

impl Words {
    fn new(prompt: &str) -> Self {
        let text = prompt.to_lowercase();
        let words = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        Self { text, words }
    }

    /// Where a word of the table stands in the prompt.
    fn find(&self, wanted: &str) -> Option<usize> {
        // Latin, Greek and Cyrillic letters come first in Unicode.
        if wanted.chars().all(|c| c >= '\u{590}') {
            return self.text.find(wanted).map(|at| self.text[..at].chars().count());
        }
        let parts: Vec<&str> = wanted.split('_').collect();
        self.words.windows(parts.len()).position(|words| {
            words.iter().zip(&parts).all(|(word, part)| word == part || word.strip_suffix('s') == Some(part))
        })
    }

    /// The entry with the word that the prompt says first.
    fn first_of<T: Copy>(&self, table: &[(T, &str)]) -> Option<T> {
        table
            .iter()
            .filter_map(|(value, words)| {
                Some((words.split(' ').filter_map(|word| self.find(word)).min()?, *value))
            })
            .min_by_key(|(position, _)| *position)
            .map(|(_, value)| value)
    }

    fn any(&self, words: &str) -> bool {
        words.split(' ').any(|word| self.find(word).is_some())
    }
}
