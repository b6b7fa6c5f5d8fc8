"""The states of Brazil: code → (name, time zone of its capital)."""

STATES: dict[str, tuple[str, str]] = {
    "AC": ("Acre", "America/Rio_Branco"),
    "AL": ("Alagoas", "America/Maceio"),
    "AM": ("Amazonas", "America/Manaus"),
    "AP": ("Amapá", "America/Belem"),
    "BA": ("Bahia", "America/Bahia"),
    "CE": ("Ceará", "America/Fortaleza"),
    "DF": ("Distrito Federal", "America/Sao_Paulo"),
    "ES": ("Espírito Santo", "America/Sao_Paulo"),
    "GO": ("Goiás", "America/Sao_Paulo"),
    "MA": ("Maranhão", "America/Fortaleza"),
    "MG": ("Minas Gerais", "America/Sao_Paulo"),
    "MS": ("Mato Grosso do Sul", "America/Campo_Grande"),
    "MT": ("Mato Grosso", "America/Cuiaba"),
    "PA": ("Pará", "America/Belem"),
    "PB": ("Paraíba", "America/Fortaleza"),
    "PE": ("Pernambuco", "America/Recife"),
    "PI": ("Piauí", "America/Fortaleza"),
    "PR": ("Paraná", "America/Sao_Paulo"),
    "RJ": ("Rio de Janeiro", "America/Sao_Paulo"),
    "RN": ("Rio Grande do Norte", "America/Fortaleza"),
    "RO": ("Rondônia", "America/Porto_Velho"),
    "RR": ("Roraima", "America/Boa_Vista"),
    "RS": ("Rio Grande do Sul", "America/Sao_Paulo"),
    "SC": ("Santa Catarina", "America/Sao_Paulo"),
    "SE": ("Sergipe", "America/Maceio"),
    "SP": ("São Paulo", "America/Sao_Paulo"),
    "TO": ("Tocantins", "America/Araguaina"),
}

#: South, west, north, east in degrees, islands included: a point outside is a mistyped one.
BOUNDS = (-33.76, -74.0, 5.28, -28.8)
